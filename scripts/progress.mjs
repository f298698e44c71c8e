// Shows which step runs and for how long, and runs the step's commands with their output kept in a log file.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { childEnvironment, root, setupLogFolder } from './paths.mjs';

/** A failure with one clear line for the person at the terminal. */
export class CommandFailed extends Error {}

export function printFailure(message) {
  console.error(`\n\u2717 ${message}`);
}

const heartbeatMs = 15_000;
const isTerminal = process.stdout.isTTY === true;
const secondsSince = (start) => `${((Date.now() - start) / 1000).toFixed(1)} s`;

/**
 * Runs `work` under a title: on a terminal the time counts up in place, elsewhere a line comes every 15 seconds.
 * @param {string} title
 * @param {() => Promise<void>} work
 */
export async function step(title, work) {
  const start = Date.now();
  process.stdout.write(isTerminal ? `  \u2026 ${title}` : `  \u2026 ${title}\n`);
  const timer = setInterval(
    () =>
      process.stdout.write(
        isTerminal
          ? `\r  \u2026 ${title} (${secondsSince(start)})`
          : `    still at it: ${title} (${secondsSince(start)})\n`,
      ),
    isTerminal ? 1000 : heartbeatMs,
  );
  const settle = (mark) => {
    clearInterval(timer);
    process.stdout.write(`${isTerminal ? '\r\u001b[2K' : ''}  ${mark} ${title} (${secondsSince(start)})\n`);
  };
  try {
    await work();
    settle('\u2713');
  } catch (error) {
    settle('\u2717');
    throw error;
  }
}

/**
 * Runs a command to its end with its output in `.cache/setup/<logName>.log`.
 * @param {string} logName
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, hint?: string}} [options] `hint` says what usually helps
 */
export async function run(logName, command, args, options = {}) {
  fs.mkdirSync(setupLogFolder, { recursive: true });
  const log = path.join(setupLogFolder, `${logName}.log`);
  const output = fs.openSync(log, 'w');
  const code = await exitCode(command, args, { cwd: options.cwd ?? root, stdio: ['ignore', output, output] });
  fs.closeSync(output);
  if (code !== 0) {
    const tail = fs.readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8).join('\n  | ');
    const hint = options.hint ? ` ${options.hint}` : '';
    throw new CommandFailed(
      `${path.basename(command)} failed (exit code ${code}).${hint} The whole output is in ${log}; its end:\n  | ${tail}`,
    );
  }
}

/**
 * Runs a command in the foreground.
 * @returns {Promise<number>} its exit code
 */
export function exitCode(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: childEnvironment(), stdio: 'inherit', ...options });
    child.once('error', (error) => reject(new CommandFailed(`cannot run ${command}: ${error.message}`)));
    child.once('exit', (code, signal) => resolve(signal ? 128 : (code ?? 1)));
  });
}
