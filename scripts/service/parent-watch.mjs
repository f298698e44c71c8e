// npm runs a command through a shell, and a signal for npm ends that shell without reaching the command. So whoever runs the
// service watches whether its parent is still there.
import process from 'node:process';

const everyMs = 500;

/** Calls `onGone` once when the process that started this one has ended. */
export function watchParent(onGone) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, everyMs);
  timer.unref();
}
