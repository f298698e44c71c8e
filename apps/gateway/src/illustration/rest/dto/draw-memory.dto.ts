import { IllustrationOptionsDto } from './illustration-options.dto.js';
import { RequiredPrompt } from './prompt-rule.js';

/** Body of `POST /v1/images/memory`. */
export class DrawMemoryDto extends IllustrationOptionsDto {
  @RequiredPrompt({
    description: 'The memory, in words. Drawn with the avatar of the person.',
    example: 'my grandmother teaching me to bake bread in her kitchen',
  })
  prompt: string;
}
