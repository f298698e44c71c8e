import { ensureGatewayBuild } from '../setup/gateway-build.mjs';
import { setUpTools } from '../setup/setup.mjs';

export default async function build() {
  await setUpTools();
  await ensureGatewayBuild();
  return 0;
}
