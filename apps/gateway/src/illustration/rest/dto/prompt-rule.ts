import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, ValidateBy, type ValidationArguments } from 'class-validator';

import { isBlank, maxPromptLength, promptProblem } from '../../domain/prompt-text.js';

export interface PromptField {
  description: string;
  example: string;
}

/** A required prompt: text as the domain allows it, not blank. */
export function RequiredPrompt(field: PromptField): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ ...field, type: String, minLength: 1, maxLength: maxPromptLength }),
    textRule((text) => promptProblem(text) ?? (isBlank(text) ? 'must not be blank' : undefined)),
  );
}

/** A prompt with a default. */
export function OptionalPrompt(field: PromptField): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ ...field, type: String, maxLength: maxPromptLength, nullable: true }),
    IsOptional(),
    textRule(promptProblem),
  );
}

function textRule(problemOf: (text: string) => string | undefined): PropertyDecorator {
  const problem = (value: unknown): string | undefined =>
    typeof value === 'string' ? problemOf(value) : 'must be a string';
  return ValidateBy({
    name: 'isPrompt',
    validator: {
      validate: (value: unknown) => problem(value) === undefined,
      defaultMessage: (args?: ValidationArguments) => `$property ${problem(args?.value) ?? 'must be a prompt'}`,
    },
  });
}
