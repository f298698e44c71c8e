/** One version of a LoRA, to be read by whoever needs it. */
export interface LoraFile {
  readonly loraId: string;
  /** Changes whenever the file does: with the id it names one content. */
  readonly version: string;
  readonly sizeBytes: number;
  /**
   * The file in pieces of any size, read as fast as they are taken.
   *
   * @throws DomainError `storage-unavailable`, also when the file was replaced meanwhile
   */
  read(signal: AbortSignal): AsyncIterable<Buffer>;
}
