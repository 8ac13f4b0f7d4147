// Stream-stream joins: the worked examples of semantics 10, on both engines.
import { describe, it } from 'vitest'
import { follows, pair, type Inputs, type Line } from './scenario.js'

type Kind = 'join' | 'leftJoin' | 'outerJoin'

const joined =
  (kind: Kind, within: object, o: object = {}) =>
  ({ stream }: Inputs) =>
    (stream('L')[kind] as any)(stream('R'), pair, { within, ...o })

const ten = { beforeMs: 10, afterMs: 10, graceMs: 0 }

describe.each(['leveldb', 'memory'] as const)('joins of streams on %s', (engine) => {
  const truth: readonly (readonly [string, string[], string[], string[]])[] = [
    ['L a=A1@0 {h=1}', [], [], []],
    ['L b=B1@0', [], [], []],
    ['R a=a1@5 {h=2}', ['a=A1+a1@5 {h=2}'], ['a=A1+a1@5 {h=2}'], ['a=A1+a1@5 {h=2}']],
    ['R a=a2@10 {h=3}', ['a=A1+a2@10 {h=3}'], ['a=A1+a2@10 {h=3}'], ['a=A1+a2@10 {h=3}']],
    ['R a=a3@11 {h=4}', [], ['b=B1+null@0 {h=4}'], ['b=B1+null@0 {h=4}']],
    ['R b=b1@20 {h=5}', [], [], []],
    ['L a=A2@22 {h=6}', [], [], ['a=null+a3@11 {h=6}']],
    [
      'L a=A3@12',
      ['a=A3+a1@12', 'a=A3+a2@12', 'a=A3+a3@12'],
      ['a=A3+a1@12', 'a=A3+a2@12', 'a=A3+a3@12'],
      ['a=A3+a1@12', 'a=A3+a2@12', 'a=A3+a3@12'],
    ],
    ['L c=C1@1', [], ['c=C1+null@1'], ['c=C1+null@1']],
    ['R d=d1@2', [], [], ['d=null+d1@2']],
    ['L ∅=N@23', ['drop'], ['∅=N+null@23'], ['∅=N+null@23']],
    ['R ∅=n@23', ['drop'], ['drop'], ['∅=null+n@23']],
    ['L z=∅@23', ['drop'], ['drop'], ['drop']],
    ['R z=Z@100 {h=7}', [], ['a=A2+null@22 {h=7}'], ['b=null+b1@20 {h=7}', 'a=A2+null@22 {h=7}']],
    ['L z=Z@200', [], [], ['z=null+Z@100']],
  ]
  // The memory engine refuses, and counts, what it would not show; the other keeps whole segments.
  const refused = engine === 'memory' ? ['drop'] : []

  it.each([
    ['join', 1],
    ['leftJoin', 2],
    ['outerJoin', 3],
  ] as const)('%s gives the truth table', (kind, n) =>
    follows(
      joined(kind, ten, { engine }),
      truth.map((row): Line => [row[0], ...row[n], ...(row[0] === 'L c=C1@1' ? refused : [])]),
    ),
  )

  it('emit unmatched records by time, right before left, then key', () =>
    follows(joined('outerJoin', ten, { engine }), [
      ['R b=rb@1'],
      ['L b=lb2@20', 'b=null+rb@1'],
      ['L c=c1@5', 'c=c1+null@5'],
      ['L a=a1@20'],
      ['R d=d1@20'],
      ['L a=a2@20'],
      ['R c=x@21'],
      ['L z=z@60', 'd=null+d1@20', 'a=a1+null@20', 'a=a2+null@20', 'b=lb2+null@20', 'c=null+x@21'],
    ]))

  it.each(['leftJoin', 'outerJoin'] as const)(
    '%s delays unmatched records behind the last one looked at, as Kafka Streams does',
    (kind) =>
      follows(joined(kind, ten, { engine }), [
        ['L k=A@0'],
        ['L k=B@8'],
        ['L k=C@11', 'k=A+null@0'],
        ['L k=D@12'],
        ['L k=E@19', 'k=B+null@8'],
        ['L k=F@20'],
        ['L k=G@22'],
        ['L k=H@30', 'k=C+null@11', 'k=D+null@12', 'k=E+null@19'],
      ]),
  )

  it('stop looking at the second record of a row behind which both sides are open', () =>
    follows(joined('outerJoin', { beforeMs: 5, afterMs: 5, graceMs: 12 }, { engine }), [
      ['R x=x@10'],
      ['R b=b@20'],
      ['L a=1@20'],
      ['L a=2@20'],
      ['L c=c@25'],
      ['L z=1@28', 'x=null+x@10'],
      ['L z=2@38', 'b=null+b@20', 'a=1+null@20', 'a=2+null@20'],
    ]))

  it('emit a record that is past its interval at once, though grace may bring it a partner', () =>
    follows(joined('leftJoin', { ...ten, graceMs: 20 }, { engine }), [
      ['L s=S@100'],
      ['L a=A@85', 'a=A+null@85'],
      ['R a=r@86', 'a=A+r@86'],
    ]))

  it('join late records with what is still kept', () =>
    follows(joined('join', ten, { engine }), [
      ['L a=A@0'],
      ['L s=S@19'],
      ['R a=r0@5', 'a=A+r0@5'],
      ['L s=S@20'],
      ['R a=r1@5'],
    ]))

  it('give several matches in order of the other side, equal times in order of arrival', () =>
    follows(joined('join', ten, { engine }), [
      ['L a=A3@3'],
      ['L a=A1@1'],
      ['L a=A1b@1'],
      ['R a=r@2', 'a=A1+r@2', 'a=A1b+r@2', 'a=A3+r@3'],
    ]))

  it('look only ahead with an interval that begins at the left record', () =>
    follows(joined('join', { beforeMs: 0, afterMs: 5, graceMs: 0 }, { engine }), [
      ['L k=A@10'],
      ['R k=r9@9'],
      ['R k=r10@10', 'k=A+r10@10'],
      ['R k=r15@15', 'k=A+r15@15'],
      ['R k=r16@16'],
    ]))

  it('look only back with an interval that ends at the left record', () =>
    follows(joined('leftJoin', { beforeMs: 5, afterMs: 0, graceMs: 0 }, { engine }), [
      ['R k=r1@1'],
      ['R k=r5@5'],
      ['L k=A@10', 'k=A+r5@10'],
      ['L b=B@10'],
      ['R x=x@11'],
      ['L x=y@11', 'b=B+null@10', 'x=y+x@11'],
    ]))
})

describe('joins of streams', () => {
  it('keep the row of a record whose joiner throws, and join it with the next', () =>
    follows(
      ({ stream }) =>
        stream('L').join(
          stream('R'),
          (left, right) => {
            if (right === 'bad') throw new Error('no')
            return pair(left, right)
          },
          { within: ten },
        ),
      [
        ['L a=A@1'],
        ['R a=bad@2', 'drop'],
        ['R a=r@3', 'a=A+r@3'],
        ['L a=B@4', 'drop'],
        ['R a=s@5', 'a=A+s@5', 'a=B+s@5'],
      ],
      { config: { processingHandler: 'continue' } },
    ))
})

const selfJoined = ({ stream }: Inputs) => {
  const s = stream('S')
  return s.join(s, pair, { within: ten })
}

describe.each([false, true])('a stream joined with itself (optimised: %s)', (optimize) => {
  it('gives each pair once a direction and each record with itself once', () =>
    follows(
      selfJoined,
      [
        ['S k=1@0', 'k=1+1@0'],
        ['S k=2@5', 'k=2+1@5', 'k=1+2@5', 'k=2+2@5'],
        ['S k=3@3', 'k=3+1@3', 'k=3+2@5', 'k=1+3@3', 'k=3+3@3', 'k=2+3@5'],
        ['S k=4@14', 'k=4+2@14', 'k=2+4@14', 'k=4+4@14'],
        ['S k=5@40', 'k=5+5@40'],
        ['S k=6@1'],
      ],
      { optimize },
    ))

  it('drops null keys and values', async () => {
    // Without the optimisation both sides see, and count, the record.
    const drops = optimize ? ['drop'] : ['drop', 'drop']
    await follows(
      selfJoined,
      [
        ['S ∅=x@1', ...drops],
        ['S k=∅@2', ...drops],
      ],
      { optimize },
    )
  })
})
