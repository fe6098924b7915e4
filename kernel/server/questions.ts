import type { Json } from "../wire/index.ts";
import type { Origin } from "./runs.ts";

/** A question of a cell, as the evaluator reports it. */
interface Question {
  run: number;
  id: number;
  prompt: string;
  password: boolean;
}

/** Where questions and answers go. */
interface QuestionEvents {
  /** Asks the client that sent the cell; @returns the id of the request. */
  send(content: Json, origin: Origin): string;
  /** Tells the cell; `null` if nobody can be asked. */
  answer(id: number, value: string | null): void;
}

/** Questions that cells ask, one at a time: front ends show no more. */
export class Questions {
  readonly #events: QuestionEvents;
  readonly #waiting: { question: Question; origin: Origin }[] = [];
  /** Id of the request for the first of those that wait. */
  #request = "";

  constructor(events: QuestionEvents) {
    this.#events = events;
  }

  /** @param origin - the request of the cell that asks; without one, or where it allows no input, the cell is told so */
  ask(question: Question, origin: Origin | undefined): void {
    if (!origin?.allowsQuestions) return this.#events.answer(question.id, null);
    this.#waiting.push({ question, origin });
    if (this.#waiting.length === 1) this.#sendFirst();
  }

  /**
   * Takes a client's answer.
   *
   * @param request - id of the request that it answers, where the client says: one that the cell no longer waits for is dropped
   */
  answer(value: string, request: string | undefined): void {
    if (request !== undefined && request !== this.#request) return;
    const answered = this.#waiting.shift();
    if (answered) this.#events.answer(answered.question.id, value);
    this.#sendFirst();
  }

  /** A cell has ended. */
  forget(run: number): void {
    const [first] = this.#waiting;
    const kept = this.#waiting.filter(({ question }) => question.run !== run);
    this.#waiting.splice(0, this.#waiting.length, ...kept);
    if (first !== kept[0]) this.#sendFirst();
  }

  /** All cells that asked are gone. */
  forgetAll(): void {
    this.#waiting.length = 0;
    this.#request = "";
  }

  #sendFirst(): void {
    const [first] = this.#waiting;
    this.#request = "";
    if (!first) return;
    const { prompt, password } = first.question;
    this.#request = this.#events.send({ prompt, password }, first.origin);
  }
}
