import { setUpService } from '../setup/setup.mjs';

export default async function setup() {
  await setUpService();
  console.log('Everything is set up.');
  return 0;
}
