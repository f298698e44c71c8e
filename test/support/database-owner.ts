// A process that opens the embedded database in the folder it is told, accepts five jobs, runs one of them, and stays.
import 'reflect-metadata';
import { openDatabase } from '../../apps/gateway/src/database/open-database.js';
import { aJob, JobPath } from './job-path.js';

const [folder = ''] = process.argv.slice(2);
const path = await JobPath.start(await openDatabase({ url: undefined, folder }));
for (let number = 0; number < 5; number += 1) await path.store.accept(aJob());
await path.queue.lease(1, null);
process.stdout.write('ready\n');
setInterval(() => undefined, 1000);
