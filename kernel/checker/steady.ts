import type { Checker } from "./checker.ts";
import { LanguageServerStopped } from "./language-server.ts";

/**
 * Does something with the checker, whatever has become of its files and its server: files that were removed are
 * written again, and where the server ended or hung, another tries once more.
 *
 * @param mayRetry - false: the server was stopped on purpose, because of this
 * @throws what `work` throws the second time
 */
export async function steadily<T>(checker: Checker, work: () => Promise<T>, mayRetry = () => true): Promise<T> {
  if (checker.project.repair()) checker.restart();
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LanguageServerStopped) || !mayRetry()) throw error;
    checker.restart();
    return work();
  }
}
