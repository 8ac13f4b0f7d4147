// Sends subscriptions for the rows of the left table.
import { IllegalStateError } from '../../errors.js'
import type { NodeSupplier } from '../../topology/processor.js'
import type {
  SubscriptionSendOptions,
  SubscriptionReceiveOptions,
  SubscriptionJoinOptions,
  ForeignTableJoinOptions,
  ResponseJoinOptions,
} from './operator-options.js'

/** Sends subscriptions for the rows of the left table. */
export const subscriptionSend =
  (_options: SubscriptionSendOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('subscriptionSend is not available in this version')
  }

/** Keeps subscriptions on the right side. */
export const subscriptionReceive =
  (_options: SubscriptionReceiveOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('subscriptionReceive is not available in this version')
  }

/** Answers a subscription. */
export const subscriptionJoin =
  (_options: SubscriptionJoinOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('subscriptionJoin is not available in this version')
  }

/** Answers the subscriptions of a right row. */
export const foreignTableJoin =
  (_options: ForeignTableJoinOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('foreignTableJoin is not available in this version')
  }

/** Joins answers with the left rows. */
export const responseJoin =
  (_options: ResponseJoinOptions): NodeSupplier =>
  () => {
    throw new IllegalStateError('responseJoin is not available in this version')
  }
