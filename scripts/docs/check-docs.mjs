// Is the documentation true? Generated parts are current; every path, link and npm command that a page names exists.
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { inRoot } from '../paths.mjs';
import { generatedParts, replacePart } from './generated-parts.mjs';

const problems = [
  ...staleParts(),
  ...pages().flatMap((page) => {
    const text = fs.readFileSync(inRoot(page), 'utf8');
    return [...missingLinks(page, text), ...missingPaths(page, text), ...missingCommands(page, text)];
  }),
];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function pages() {
  const docs = fs.readdirSync(inRoot('docs'), { recursive: true }).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CHANGELOG.md', 'samples/README.md', ...docs.map((name) => path.join('docs', name))];
}

function staleParts() {
  return generatedParts()
    .filter(({ page, name, text }) => {
      const now = fs.readFileSync(inRoot(page), 'utf8');
      return replacePart(now, name, text) !== now;
    })
    .map(({ page, name }) => `${page}: the generated part "${name}" is out of date: run npm run docs`);
}

/** Relative links of Markdown. */
function missingLinks(page, text) {
  return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
    .map(([, target]) => target)
    .filter((target) => !fs.existsSync(inRoot(path.dirname(page), target)))
    .map((target) => `${page}: the link to ${target} leads nowhere`);
}

/** `paths/in/backticks` that start with a folder of the repository. */
function missingPaths(page, text) {
  const folders = 'apps|bench|deploy|docs|proto|samples|scripts|test|worker-python';
  return [...text.matchAll(new RegExp(`\`((?:${folders})/[A-Za-z0-9._/-]+)\``, 'g'))]
    .map(([, target]) => target)
    .filter((target) => !fs.existsSync(inRoot(target)))
    .map((target) => `${page}: there is no ${target}`);
}

function missingCommands(page, text) {
  const { scripts } = JSON.parse(fs.readFileSync(inRoot('package.json'), 'utf8'));
  return [...text.matchAll(/npm run ([a-z][a-z:-]*)/g)]
    .map(([, name]) => name)
    .filter((name) => !Object.hasOwn(scripts, name))
    .map((name) => `${page}: there is no command npm run ${name}`);
}
