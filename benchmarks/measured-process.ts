// Runs a program of this folder in a process of its own, which reports as one line of JSON.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const timeoutMs = 180_000

/** Gives what `program` reports on `task`. @throws when it fails or takes too long */
export async function measuredProcess<T>(program: string, task: unknown): Promise<T> {
  const path = fileURLToPath(new URL(`./${program}.js`, import.meta.url))
  return new Promise((resolve, reject) => {
    const args = [path, JSON.stringify(task)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const killer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.on('close', (code) => {
      clearTimeout(killer)
      if (code === 0) resolve(JSON.parse(text.trim().split('\n').at(-1) ?? '') as T)
      else reject(new Error(`${program} ended with ${code}`))
    })
  })
}
