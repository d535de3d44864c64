export interface Threads {
  close(): Promise<void>;
}
