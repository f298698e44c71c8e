// A child process that is started again when it dies, with growing pauses, until it is told to stop.
import { spawn } from 'node:child_process';

const firstPauseMs = 1000;
const longestPauseMs = 30_000;
/** A child that lived this long had started well: the pauses begin anew. */
const healthyAfterMs = 60_000;

/**
 * @param {{command: string, args: string[], env: NodeJS.ProcessEnv, stdio: import('node:child_process').StdioOptions,
 *   onExit?: (why: string, pauseMs: number) => void, mustStart?: boolean}} options
 *   `mustStart`: an exit with a code before `markStarted()` was called is final (wrong settings, port in use ...)
 */
export function supervise(options) {
  let child;
  let timer;
  let pauseMs = firstPauseMs;
  let isStopping = false;
  let hasStarted = false;
  let settleEnded;
  const ended = new Promise((resolve) => (settleEnded = resolve));

  const launch = () => {
    const startedAt = Date.now();
    // In a process group of its own: Ctrl-C reaches the supervisor alone, which then stops the children in order.
    child = spawn(options.command, options.args, { env: options.env, stdio: options.stdio, detached: true });
    child.once('error', (error) => settleEnded({ code: 1, why: error.message }));
    child.once('exit', (code, signal) => {
      child = undefined;
      const why = signal ? `was ended by ${signal}` : `exited with code ${code}`;
      const isFinal = isStopping || (options.mustStart && !hasStarted && code !== null);
      if (isFinal) {
        settleEnded({ code: code ?? 1, why });
        return;
      }
      if (Date.now() - startedAt > healthyAfterMs) pauseMs = firstPauseMs;
      options.onExit?.(why, pauseMs);
      timer = setTimeout(launch, pauseMs);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    });
  };
  launch();

  return {
    /** Resolves with `{code, why}` once the process has ended for good. */
    ended,
    /** The process that runs now; undefined between two of them. */
    get child() {
      return child;
    },
    get pid() {
      return child?.pid;
    },
    markStarted() {
      hasStarted = true;
    },
    /** @param {NodeJS.Signals} signal */
    async stop(signal = 'SIGTERM') {
      isStopping = true;
      clearTimeout(timer);
      if (child) child.kill(signal);
      else settleEnded({ code: 0, why: 'was not running' });
      return ended;
    },
    /** For the very end: nothing may outlive the supervisor. */
    kill() {
      isStopping = true;
      clearTimeout(timer);
      child?.kill('SIGKILL');
    },
  };
}
