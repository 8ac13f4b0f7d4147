// Which rows become live objects when they are used. One for each of very many rows costs more than
// all the rest of a record, so rows that hardly come back before the next commit stay bytes.
//
//   ALL ◀── judge ──▶ SOME      at a commit: SOME where most of the rows used did not come back
//    │                 ▲
//    └── full ▶ NONE ──┘        changed rows have no room as objects until the commit

type Rule = 'all' | 'some' | 'none'

/** Fewer uses between two commits say nothing. */
const fewUses = 32

export class RowAdmission {
  #rule: Rule = 'all'
  #uses = 0
  #returns = 0
  #isFixed: boolean

  /** Unless rows can stay bytes all become live. */
  constructor(canBeBytes: boolean) {
    this.#isFixed = !canBeBytes
  }

  /** A live row is used. */
  hit(): void {
    this.#uses++
    this.#returns++
  }

  /** A row is used that is not live. Answers whether it becomes so. */
  miss(): boolean {
    const count = ++this.#uses
    // One in 64, so that rows which are only read can show that they come back; in an order that has no
    // period, because keys may come in turn.
    return (
      this.#rule === 'all' || (this.#rule === 'some' && Math.imul(count, 0x9e3779b1) >>> 26 === 0)
    )
  }

  /** That row was changed since the last commit. */
  cameBack(): void {
    this.#returns++
  }

  /** Whether a row that is only written becomes live unasked. */
  get admitsAll(): boolean {
    return this.#rule === 'all'
  }

  /** Changed rows have no room as objects. */
  full(): void {
    if (!this.#isFixed) this.#rule = 'none'
  }

  /** Decides for the time until the next commit, at the commit of so many changed rows. */
  judge(changed: number): void {
    const uses = this.#uses
    const returns = this.#returns
    this.#uses = this.#returns = 0
    if (this.#isFixed) return
    if (uses >= fewUses) this.#rule = 2 * changed > uses || 2 * returns < uses ? 'some' : 'all'
    else if (this.#rule === 'none') this.#rule = 'some'
  }

  /** From now on all rows that are used become live. */
  admitAll(): void {
    this.#isFixed = true
    this.#rule = 'all'
  }
}
