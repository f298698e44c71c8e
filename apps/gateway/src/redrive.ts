// `npm run redrive`: has failed jobs drawn again by the service that runs on the same database.
import { parseArgs } from 'node:util';

import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { defaultTenant } from './auth/caller.js';
import { bootFailureLines } from './boot-failure.js';
import { AppConfig } from './config/app-config.js';
import { AppConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { DomainError } from './errors/domain-error.js';
import { Redrive } from './illustration/redrive.js';
import { JobsModule } from './jobs/jobs.module.js';
import { ObjectKeys } from './storage/object-keys.js';

const usage =
  'usage: npm run redrive -- [--tenant NAME] JOB_ID...   or, for all that failed with attempts-exhausted: --all';

/** The job path without a dispatcher: nothing is drawn in this process. */
@Module({
  imports: [DatabaseModule, JobsModule],
  providers: [
    {
      provide: ObjectKeys,
      inject: [AppConfig],
      useFactory: ({ keyPrefixes }: AppConfig) => new ObjectKeys(keyPrefixes),
    },
    Redrive,
  ],
})
class RedriveModule {
  static with(config: DynamicModule): DynamicModule {
    return { module: RedriveModule, imports: [config] };
  }
}

/** `ids` undefined: all that have failed. Undefined: the words cannot be understood. */
function wishIn(words: string[]): { tenant: string; ids: string[] | undefined } | undefined {
  try {
    const options = { tenant: { type: 'string', default: defaultTenant }, all: { type: 'boolean' } } as const;
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
    if ((values.all ?? false) === positionals.length > 0) return undefined;
    return { tenant: values.tenant, ids: values.all ? undefined : positionals };
  } catch {
    return undefined;
  }
}

/** @returns the exit code */
async function main(words: string[]): Promise<number> {
  const wish = wishIn(words);
  if (wish === undefined) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const module = RedriveModule.with(await AppConfigModule.fromEnvironment());
  const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  try {
    const redrive = app.get(Redrive);
    const { tenant } = wish;
    const ids = wish.ids ?? (await redrive.exhausted(tenant));
    if (ids.length === 0) process.stdout.write('No job has failed with attempts-exhausted.\n');
    let refused = 0;
    for (const id of ids) refused += (await tellAgain(redrive, tenant, id)) ? 0 : 1;
    return refused === 0 ? 0 : 1;
  } finally {
    await app.close();
  }
}

/** @returns whether the job is drawn again */
async function tellAgain(redrive: Redrive, tenant: string, id: string): Promise<boolean> {
  try {
    const { job, isReplay } = await redrive.again(tenant, id);
    process.stdout.write(`${id} is drawn again as ${job.id}${isReplay ? ', as it was told before' : ''}\n`);
    return true;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    process.stderr.write(`${id}: ${error.detail}\n`);
    return false;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${bootFailureLines(error).join('\n')}\n`);
  process.exitCode = 1;
}
