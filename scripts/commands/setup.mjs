import { setUpTests } from '../setup/setup.mjs';

export default async function setup() {
  await setUpTests();
  console.log('Everything is set up.');
  return 0;
}
