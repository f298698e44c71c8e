/** JSON as a job carries it. */
export type Payload = Readonly<Record<string, unknown>>;

type Read<T> = (payload: Payload, name: string) => T;

/** @throws Error when the member is no text */
export const text: Read<string> = (payload, name) => {
  const value = payload[name];
  if (typeof value !== 'string') throw new Error(`a job whose ${name} is no text`);
  return value;
};

/** @throws Error when the member is no number */
export const number: Read<number> = (payload, name) => {
  const value = payload[name];
  if (typeof value !== 'number') throw new Error(`a job whose ${name} is no number`);
  return value;
};

/** undefined when the member is absent or null. @throws Error as `read` */
export function optional<T>(read: Read<T>, ...[payload, name]: Parameters<Read<T>>): T | undefined {
  return payload[name] === undefined || payload[name] === null ? undefined : read(payload, name);
}
