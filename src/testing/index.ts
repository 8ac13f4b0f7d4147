// `millrace/testing`: run topologies and processors in a test, without a broker.
export { MockProcessorContext, type Forwarded } from './mock-processor-context.js'
export { TopologyTestDriver, type TestDriverOptions } from './topology-test-driver.js'
export type { Piped, TestRecord } from './test-records.js'
export type { TestInputTopic, TestOutputTopic } from './test-topics.js'
