/** What a credential may be used for. `read` looks at jobs and pictures, `generate` and `train` begin work, `admin` erases. */
export const scopes = ['generate', 'read', 'train', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export function isScope(name: string): name is Scope {
  return (scopes as readonly string[]).includes(name);
}
