import fs from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { LogLine } from './running-service.js';

/** A log file that is being written, read once each line. */
export class LogTail {
  private readonly parsed: LogLine[] = [];
  private readonly decoder = new StringDecoder('utf8');
  private offset = 0;
  private rest = '';

  constructor(readonly file: string) {}

  /** All lines so far that are whole JSON objects; a killed process may have left half a line. */
  lines(): readonly LogLine[] {
    const text = this.rest + this.readOn();
    const whole = text.split('\n');
    this.rest = whole.pop() ?? '';
    for (const line of whole) {
      const parsed = parse(line);
      if (parsed !== undefined) this.parsed.push(parsed);
    }
    return this.parsed;
  }

  private readOn(): string {
    if (!fs.existsSync(this.file)) return '';
    const handle = fs.openSync(this.file, 'r');
    try {
      const length = fs.fstatSync(handle).size - this.offset;
      const bytes = Buffer.alloc(length);
      this.offset += fs.readSync(handle, bytes, 0, length, this.offset);
      return this.decoder.write(bytes);
    } finally {
      fs.closeSync(handle);
    }
  }
}

function parse(line: string): LogLine | undefined {
  // Two processes of one name, one dying and one starting, may share a line: the second half is what counts.
  const start = line.lastIndexOf('{"time"') > 0 ? line.lastIndexOf('{"time"') : line.indexOf('{');
  if (start < 0) return undefined;
  try {
    return JSON.parse(line.slice(start)) as LogLine;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
