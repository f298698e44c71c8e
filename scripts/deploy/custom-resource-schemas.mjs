// CustomResourceDefinitions -> JSON schemas as kubeconform reads them, with unknown fields refused.
import fs from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';

/** One file a kind and version: KIND-GROUP-VERSION.json, in lower case. */
export function writeStrictSchemas(definitionFiles, folder) {
  const building = `${folder}.building`;
  fs.rmSync(building, { recursive: true, force: true });
  fs.mkdirSync(building, { recursive: true });
  for (const { group, names, versions } of definitionFiles.flatMap(specsIn)) {
    for (const { name, schema } of versions) {
      const file = `${names.kind}-${group.split('.')[0]}-${name}.json`.toLowerCase();
      fs.writeFileSync(path.join(building, file), JSON.stringify(strict(schema.openAPIV3Schema, true)));
    }
  }
  fs.renameSync(building, folder);
}

function specsIn(file) {
  return parseAllDocuments(fs.readFileSync(file, 'utf8')).map((document) => document.toJS().spec);
}

/** As the API server would: a field that is not declared is an error, unless the definition says to keep such fields. */
export function strict(schema, isRoot = false) {
  if (Array.isArray(schema)) return schema.map((one) => strict(one));
  if (schema === null || typeof schema !== 'object') return schema;
  if (schema['x-kubernetes-int-or-string']) return { type: ['string', 'integer'] };
  const made = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'properties'
        ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, strict(one)]))
        : strict(value),
    ]),
  );
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] || schema.additionalProperties !== undefined;
  if (schema.properties && !isOpen) made.additionalProperties = false;
  if (isRoot) made.properties = { ...made.properties, metadata: { type: 'object' } };
  return made;
}
