import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { currentRun } from "./context.ts";
import type { Outbox } from "./outbox.ts";

/** An answer as the watcher passes it on; `null` if nobody can be asked. */
interface Answer {
  id: number;
  value: string | null;
}

interface Question {
  run: number;
  resolve: (value: string) => void;
  reject: (error: Error) => void;
}

const NOBODY =
  "this front end does not support questions, or has them turned off. Put the answer into a variable instead.";

/** Questions of cells to whoever runs them. A cell does not end while one of its questions is open. */
export class Questions {
  readonly #outbox: Outbox;
  readonly #answers: MessagePort;
  readonly #answered: Int32Array;
  readonly #isRunning: (run: number) => boolean;
  readonly #open = new Map<number, Question>();
  #lastId = 0;
  #closed: (() => void)[] = [];

  /**
   * @param answers - gets every answer
   * @param answered - shared memory, changed and notified with every answer
   * @param isRunning - whether the cell of a run has not ended yet
   */
  constructor(outbox: Outbox, answers: MessagePort, answered: Int32Array, isRunning: (run: number) => boolean) {
    this.#outbox = outbox;
    this.#answers = answers;
    this.#answered = answered;
    this.#isRunning = isRunning;
    answers.on("message", (answer: Answer) => this.#answer(answer));
    answers.unref();
  }

  /**
   * What cells see as `prompt`. It is asked when the code at hand has come to a pause, so that one whose promise is
   * taken for the answer itself is not asked at all.
   */
  readonly prompt = (text: unknown = "", { password = false }: { password?: boolean } = {}): Promise<string> => {
    const { id, answer } = this.ask("prompt", String(text), password);
    const misused = () => {
      this.#close(id);
      throw new TypeError(
        "prompt returns a promise of the answer, not the answer itself. Write await before it: Number(await prompt(...)).",
      );
    };
    return Object.defineProperties(answer, { [Symbol.toPrimitive]: { value: misused }, toJSON: { value: misused } });
  };

  /** @param caller - what the error calls it if nobody can be asked */
  ask(caller: string, text: string, password = false): { id: number; answer: Promise<string> } {
    const id = ++this.#lastId;
    const run = currentRun();
    const answer = new Promise<string>((resolve, reject) => {
      if (!this.#isRunning(run)) {
        return reject(new Error(`${caller}: the cell has ended. Ask in a cell, and await the answer.`));
      }
      this.#open.set(id, { run, resolve, reject: (error) => reject(new Error(`${caller}: ${error.message}`)) });
    });
    queueMicrotask(() => {
      if (this.#open.has(id)) this.#outbox.send({ type: "input", run, id, prompt: text, password });
    });
    return { id, answer };
  }

  /** Asks, and lets nothing else run until the answer is there. @throws Error if nobody can be asked */
  askNow(caller: string, text: string): string {
    const id = ++this.#lastId;
    const run = currentRun();
    if (!this.#isRunning(run)) throw new Error(`${caller}: the cell has ended. Ask in a cell.`);
    this.#outbox.send({ type: "input", run, id, prompt: text, password: false });
    for (;;) {
      const count = Atomics.load(this.#answered, 0);
      const received = receiveMessageOnPort(this.#answers) as { message: Answer } | undefined;
      if (!received) Atomics.wait(this.#answered, 0, count, 1000);
      else if (received.message.id !== id) this.#answer(received.message);
      else if (received.message.value === null) throw new Error(`${caller}: ${NOBODY}`);
      else return received.message.value;
    }
  }

  isOpen(run: number): boolean {
    return [...this.#open.values()].some((question) => question.run === run);
  }

  /** Resolves when a run has no open question. */
  async closed(run: number): Promise<void> {
    while (this.isOpen(run)) await new Promise<void>((resolve) => this.#closed.push(resolve));
  }

  /** The cell of a run was stopped. */
  forget(run: number): void {
    for (const [id, question] of this.#open) if (question.run === run) this.#close(id);
  }

  #answer({ id, value }: Answer): void {
    const question = this.#close(id);
    if (value !== null) question?.resolve(value);
    else question?.reject(new Error(NOBODY));
  }

  #close(id: number): Question | undefined {
    const question = this.#open.get(id);
    this.#open.delete(id);
    for (const resolve of this.#closed.splice(0)) resolve();
    return question;
  }
}
