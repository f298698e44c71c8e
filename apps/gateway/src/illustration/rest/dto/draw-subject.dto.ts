import { IllustrationOptionsDto } from './illustration-options.dto.js';

/** Body of `POST /v1/images/subject`. Drawn with the subject photo of the person, from the style alone. */
export class DrawSubjectDto extends IllustrationOptionsDto {}
