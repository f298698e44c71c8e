// Which licences what we run may have. A new one is a decision, and is written down here.

/** SPDX ids, and what older Python packages write in their place. All let us run, change and ship the code. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'CC0-1.0',
  'CNRI-Python',
  'ISC',
  'MIT',
  'MIT-CMU',
  'MPL-2.0',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
  // as written in metadata
  '3-Clause BSD License',
  'Apache',
  'Apache 2.0',
  'Apache 2.0 License',
  'Apache License 2.0',
  'Apache Software License',
  'BSD',
  'BSD 2-Clause License',
  'BSD License',
  'ISC License',
  'LLVM-exception',
  'MIT License',
  'Mozilla Public License 2.0 (MPL 2.0)',
]);

/** Comes with torch for CUDA: may be run, and shipped inside of an application, under NVIDIA's own terms. */
const ofNvidia = /^(LicenseRef-NVIDIA|NVIDIA)/;

/** Read in their own files: their metadata tells nothing. */
const readByHand = { busboy: 'MIT', streamsearch: 'MIT', 'cuda-toolkit': 'LicenseRef-NVIDIA' };

/** Is every part of the expression allowed? One of several by choice (`OR`) is enough. */
export function isAllowed(expression) {
  if (allowed.has(expression) || ofNvidia.test(expression)) return true;
  const bare = expression.replaceAll(/[()]/g, '');
  if (bare.includes(' OR ')) return bare.split(' OR ').some(isAllowed);
  const parts = bare.split(/ AND | WITH |, /);
  return parts.length > 1 && parts.every(isAllowed);
}

/** The licence of a CycloneDX component in words. */
export function licenceOf({ name, licenses = [] }) {
  const stated = licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name);
  const isStated = stated.length > 0 && stated[0] !== 'not stated';
  return isStated ? stated.join(' AND ') : (readByHand[name] ?? 'not stated');
}
