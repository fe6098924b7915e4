import type { Json, Message } from "../wire/index.ts";

/** A question of a cell, as the evaluator reports it. */
interface Question {
  id: number;
  prompt: string;
  password: boolean;
}

/** Where questions and answers go. */
interface QuestionEvents {
  /** Asks the client that sent the cell. */
  send(content: Json, parent: Message): void;
  /** Tells the cell; `null` where nobody can be asked. */
  answer(id: number, value: string | null): void;
}

/** Questions that cells ask with `prompt()`, one at a time: front ends show no more. */
export class Questions {
  readonly #events: QuestionEvents;
  readonly #waiting: { question: Question; parent: Message }[] = [];

  constructor(events: QuestionEvents) {
    this.#events = events;
  }

  /** @param parent - the request of the cell that asks; without one, or where it allows no input, the cell is told so */
  ask(question: Question, parent: Message | undefined): void {
    if (parent?.content.allow_stdin !== true) return this.#events.answer(question.id, null);
    this.#waiting.push({ question, parent });
    if (this.#waiting.length === 1) this.#sendFirst();
  }

  /** Takes the client's answer to the question that was asked last. */
  answer(value: string): void {
    const answered = this.#waiting.shift();
    if (answered) this.#events.answer(answered.question.id, value);
    this.#sendFirst();
  }

  /** The cells that asked are gone. */
  forget(): void {
    this.#waiting.length = 0;
  }

  #sendFirst(): void {
    const [first] = this.#waiting;
    if (first) this.#events.send({ prompt: first.question.prompt, password: first.question.password }, first.parent);
  }
}
