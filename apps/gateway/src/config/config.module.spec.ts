// How the settings reach the application.
import { Test } from '@nestjs/testing';
import { afterEach, expect, it, vi } from 'vitest';

import { AppConfig } from './app-config.js';
import { ConfigError } from './config-error.js';
import { AppConfigModule } from './config.module.js';

afterEach(() => vi.unstubAllEnvs());

it('gives the settings of the environment, and changes nothing there', async () => {
  vi.stubEnv('HOST', 'localhost');
  vi.stubEnv('DEFAULT_NUM_INFERENCE_STEPS', '7');
  const before = { ...process.env };
  const module = await Test.createTestingModule({ imports: [await AppConfigModule.fromEnvironment()] }).compile();
  const config = module.get(AppConfig);
  expect(config.defaults.numInferenceSteps).toBe(7);
  expect(Object.isFrozen(config.defaults)).toBe(true);
  expect(process.env).toEqual(before);
});

it('refuses an environment that is wrong', async () => {
  vi.stubEnv('PORT', 'x');
  await expect(AppConfigModule.fromEnvironment()).rejects.toThrow(ConfigError);
});
