// Which configuration key somebody meant.

/** Kafka's names of keys that have another name here. */
const otherNames: Readonly<Record<string, string>> = {
  bootstrapservers: 'brokers',
  statestorecachemaxbytes: 'cacheMaxBytes',
  cachemaxbytesbuffering: 'cacheMaxBytes',
  errorsdeadletterqueuetopicname: 'deadLetterTopic',
}

/** What to say of a key that is none: the name of the nearest of `keys`. */
export function unknownKey(name: string, keys: readonly string[]): string {
  const plain = (s: string): string => s.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const given = plain(name)
  let nearest = otherNames[given]
  let distance = Infinity
  for (const key of nearest === undefined ? keys : []) {
    const d = given.includes(plain(key)) ? 1 : editDistance(given, plain(key))
    if (d < distance) [nearest, distance] = [key, d]
  }
  return `unknown configuration key ${name}; did you mean ${nearest}?`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      )
    row = next
  }
  return row[b.length]!
}
