// The whole service on one machine: the worker and the gateway, on the embedded defaults unless the environment says else.
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { childEnvironment, inRoot, node24, pythonTool } from '../paths.mjs';
import { CommandFailed } from '../progress.mjs';
import { builtInModel } from './models.mjs';
import { supervise } from './supervised-process.mjs';

/** A unix socket's path may have 107 bytes on Linux, 103 on macOS. */
const longestSocketPath = 100;

/**
 * Starts worker and gateway. The returned `stop` ends the gateway first, so that requests in flight finish.
 * @param {{env?: Record<string, string>, stdio: import('node:child_process').StdioOptions, report?: (line: string) => void}} options
 */
export function startService({ env: overrides = {}, stdio, report = () => {} }) {
  const env = serviceEnvironment({ ...childEnvironment(), ...overrides });
  const start = (name, command, args) =>
    supervise({
      command,
      args,
      env,
      stdio,
      mustStart: true,
      onExit: (why, pauseMs) => report(`the ${name} ${why}; starting it again in ${pauseMs / 1000} s`),
    });
  const usesWorker = env.ILLUSTRATOR !== 'fake';
  const worker = usesWorker ? start('worker', pythonTool('python'), ['-m', 'illustration_worker']) : undefined;
  const gateway = start('gateway', node24, ['--enable-source-maps', inRoot('dist', 'gateway', 'main.js')]);
  const processes = [gateway, worker].filter(Boolean);
  const killAll = () => processes.forEach((one) => one.kill());
  process.once('exit', killAll);

  const ended = Promise.race(
    [
      ['gateway', gateway],
      ['worker', worker],
    ]
      .filter(([, one]) => one)
      .map(async ([name, one]) => ({ name, ...(await one.ended) })),
  );
  return {
    url: serviceUrl(env),
    dataDir: env.DATA_DIR,
    gateway,
    /** undefined when the gateway draws by itself (`ILLUSTRATOR=fake`). */
    worker,
    /** Resolves when one of the two has ended for good: `{name, code, why}`. */
    ended,
    markStarted: () => processes.forEach((one) => one.markStarted()),
    async stop() {
      const { code } = await gateway.stop();
      await worker?.stop();
      process.off('exit', killAll);
      return code;
    },
  };
}

const address = (given) => ({
  HOST: given.HOST || given.UVICORN_HOST || '127.0.0.1',
  PORT: given.PORT || given.UVICORN_PORT || '8000',
});

/** Where the service can be reached from this machine. */
export function serviceUrl(env) {
  const { HOST, PORT } = address(env);
  return `http://${HOST === '0.0.0.0' ? '127.0.0.1' : HOST}:${PORT}`;
}

/** The environment both processes get: the caller's, and the embedded defaults where it says nothing. */
function serviceEnvironment(given) {
  const dataDir = path.resolve(given.DATA_DIR || inRoot('data'));
  fs.mkdirSync(dataDir, { recursive: true });
  return {
    OMP_NUM_THREADS: '1',
    ...given,
    ...address(given),
    DATA_DIR: dataDir,
    WORKER_ADDRESS: given.WORKER_ADDRESS || `unix:${socketPath(dataDir)}`,
    ...builtInModel(given),
  };
}

function socketPath(dataDir) {
  const inDataDir = path.join(dataDir, 'worker.sock');
  if (Buffer.byteLength(inDataDir) <= longestSocketPath) return inDataDir;
  return path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-')), 'worker.sock');
}

/** Does somebody listen there already? */
export function isTaken(url) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = net.connect({ host: hostname, port: Number(port) });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Below what systems give to outgoing connections and to port 0 (from 32768 on Linux, 49152 elsewhere). */
const portsForServers = { first: 20_000, last: 32_000 };

/**
 * A port of loopback that is free now. No outgoing connection and no listener on port 0 can take it before it is listened
 * on, as happens to ports that the system itself has picked: a test with many processes makes hundreds of connections.
 */
export async function freePort() {
  const { first, last } = portsForServers;
  for (;;) {
    const port = first + Math.floor(Math.random() * (last - first));
    if (await isFree(port)) return port;
  }
}

function isFree(port) {
  const server = net.createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * Waits until the service would draw now.
 * @param {ReturnType<typeof startService>} service
 * @param {{timeoutMs: number, onMessage?: (message: string) => void}} options
 */
export async function waitUntilHealthy(service, { timeoutMs, onMessage = () => {} }) {
  const deadline = Date.now() + timeoutMs;
  let message = 'the gateway does not answer yet';
  const ended = service.ended.then(({ name, why }) => {
    throw new CommandFailed(
      `the ${name} ${why} before the service was ready; its last lines above or in its log say why.`,
    );
  });
  ended.catch(() => {});
  while (Date.now() < deadline) {
    const answer = await Promise.race([health(service.url), ended]);
    if (answer?.isHealthy) return service.markStarted();
    if (answer && answer.message !== message) onMessage((message = answer.message));
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 200)), ended]);
  }
  throw new CommandFailed(`the service was not ready after ${timeoutMs / 1000} s: ${message}.`);
}

async function health(url) {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
    const body = await response.json();
    return { isHealthy: response.status === 200, message: body.message };
  } catch {
    // Nobody listens yet, or not with an answer of ours: the caller asks again until its time is up.
    return undefined;
  }
}
