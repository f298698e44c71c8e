// What every way of deployment has in common, as deploy/service.json says it.
import fs from 'node:fs';
import { inRoot } from '../paths.mjs';

export const facts = JSON.parse(fs.readFileSync(inRoot('deploy', 'service.json'), 'utf8'));
