import { readdir, readFile, readlink } from 'node:fs/promises';

/** Who listens on a TCP port, in words: "process 4711 (node apps/cli …)", or what is known. Linux tells; others do not. */
export async function portHeldBy(port: number): Promise<string> {
  try {
    const inodes = await listeningInodes(port);
    const pid = inodes.size > 0 ? await processWithSocket(inodes) : undefined;
    if (pid === undefined) return 'another process';
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').filter(Boolean).join(' ');
    return `process ${pid} (${command.slice(0, 200)})`;
  } catch {
    return 'another process'; // no /proc here, or it ended meanwhile
  }
}

const listenState = '0A';

async function listeningInodes(port: number): Promise<ReadonlySet<string>> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8')).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(`:${wanted}`) && fields[3] === listenState && fields[9]) inodes.add(fields[9]);
    }
  }
  return inodes;
}

async function processWithSocket(inodes: ReadonlySet<string>): Promise<string | undefined> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode && inodes.has(inode)) return pid;
    }
  }
  return undefined;
}
