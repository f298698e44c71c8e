import { isIdentifier } from '../illustration/domain/identifier.js';

/** Key prefixes, each without a trailing slash. */
export interface KeyPrefixes {
  readonly avatar: string;
  readonly subject: string;
  readonly generated: string;
  readonly lora: string;
}

/** Photos of one subject, from several angles. */
const subjectAngles = [0, 1, 2, 3, 4] as const;

const resultName = /^(memory|subject)_([^/]+)\.png$/;

/**
 * The only maker of object keys. Every id is checked here once more, whoever checked it before: a key never leaves its
 * prefix, so one caller's id can never name another's object.
 */
export class ObjectKeys {
  constructor(private readonly prefixes: KeyPrefixes) {}

  /** Reference image of a memory. The suffix is the callers' convention: the bytes may be JPEG or WebP. */
  avatar(userId: string): string {
    return `${this.prefixes.avatar}/${checked(userId)}.png`;
  }

  /** Reference image of a portrait. */
  subject(userId: string): string {
    return `${this.prefixes.subject}/${checked(userId)}.png`;
  }

  /** Reference images of a portrait from several angles; any of them may be missing. */
  subjectAngles(userId: string): string[] {
    return subjectAngles.map((angle) => `${this.prefixes.subject}/${checked(userId)}-${angle}.png`);
  }

  /** A finished illustration. */
  result(kind: 'memory' | 'subject', userId: string, id: string): string {
    return `${this.prefixes.generated}/${checked(userId)}/${kind}_${checked(id)}.png`;
  }

  lora(loraId: string): string {
    return `${this.prefixes.lora}/${checked(loraId)}/lora.safetensors`;
  }

  /** A few bytes that show how the store handles conditional writes; where results go, because there we may write. */
  writeProbe(): string {
    return `${this.prefixes.generated}/write-probe`;
  }

  /** Is `key` exactly of the form that `result` makes? Anything else under the prefix is nobody's picture. */
  isResult(key: string): boolean {
    return this.resultIdIn(key) !== undefined;
  }

  /** The id that `result` was given for `key`; undefined: it did not make this key. */
  resultIdIn(key: string): string | undefined {
    const prefix = `${this.prefixes.generated}/`;
    if (!key.startsWith(prefix)) return undefined;
    const [userId, name, ...rest] = key.slice(prefix.length).split('/');
    if (userId === undefined || name === undefined || rest.length > 0) return undefined;
    const id = resultName.exec(name)?.[2];
    return id !== undefined && isIdentifier(userId) && isIdentifier(id) ? id : undefined;
  }
}

function checked(id: string): string {
  // A plain Error: the edges refuse such ids with a 422 long before, so this is a fault of ours.
  if (!isIdentifier(id)) throw new Error('not an identifier that may become part of an object key');
  return id;
}
