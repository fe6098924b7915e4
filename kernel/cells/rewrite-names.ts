import type * as t from "@babel/types";
import type { Edits } from "./edits.ts";
import { declareStatement, isErased, type NameKind, type ParsedCell } from "./parse.ts";
import { RUNTIME } from "./runtime.ts";
import {
  boundNames,
  children,
  collectVars,
  containsAwait,
  isFunction,
  namespaceName,
  TS_WITH_CODE,
  TYPE_KEYS,
  unwrapExport,
} from "./syntax.ts";

/** Names declared inside the cell that hide those of the session. */
export interface Scope {
  names: ReadonlySet<string>;
  parent: Scope | undefined;
}

/** Statements that may end without a semicolon, where a rewritten next line could attach itself. */
const NEEDS_SEMICOLON = new Set([
  "ExpressionStatement",
  "VariableDeclaration",
  "ReturnStatement",
  "ThrowStatement",
  "BreakStatement",
  "ContinueStatement",
  "DoWhileStatement",
  "DebuggerStatement",
]);

/** Edits the code of one cell so that its shared names are read from, and written to, the scope object. */
export class NameRewriter {
  readonly edits: Edits;
  /** What was visited awaits outside any function. */
  isAsync = false;
  readonly #cell: ParsedCell;
  readonly #isSessionName: (name: string) => boolean;
  /** How many functions enclose the node being visited. */
  #depth = 0;
  #inDecorator = false;

  constructor(cell: ParsedCell, edits: Edits, isSessionName: (name: string) => boolean) {
    this.#cell = cell;
    this.edits = edits;
    this.#isSessionName = isSessionName;
  }

  isShared(name: string, scope: Scope | undefined): boolean {
    for (let s = scope; s; s = s.parent) if (s.names.has(name)) return false;
    const kind = this.#cell.declared.get(name);
    return kind === undefined || isErased(kind) ? this.#isSessionName(name) : true;
  }

  /** What an identifier is written as; undefined if it stays. */
  #meaning(name: string, scope: Scope | undefined): string | undefined {
    if (this.isShared(name, scope)) return `${RUNTIME.scope}.${name}`;
    if (name !== "module" && name !== "exports") return undefined;
    for (let s = scope; s; s = s.parent) if (s.names.has(name)) return undefined;
    return name === "module" ? RUNTIME.module : `${RUNTIME.module}.exports`;
  }

  #identifier({ name, start }: t.Identifier, scope: Scope | undefined): void {
    const meaning = this.#meaning(name, scope);
    if (meaning !== undefined) this.edits.replace(start!, start! + name.length, meaning);
  }

  visit(node: t.Node, scope: Scope | undefined): void {
    if (node.type.startsWith("TS") && !TS_WITH_CODE.has(node.type)) {
      if (node.type === "TSEnumDeclaration") this.#enum(node, scope);
      if (node.type === "TSModuleDeclaration") this.#namespace(node, scope);
      return;
    }
    if (isFunction(node)) return this.#function(node, scope);
    switch (node.type) {
      case "Identifier":
        this.#identifier(node, scope);
        break;
      case "ClassDeclaration":
      case "ClassExpression":
        this.#class(node, scope);
        break;
      case "BlockStatement":
      case "StaticBlock":
        this.#block(node.body, scope);
        break;
      case "SwitchStatement":
        this.visit(node.discriminant, scope);
        this.#block(
          node.cases,
          scope,
          node.cases.flatMap((c) => c.consequent),
        );
        break;
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
        this.#stoppable(node, () => this.#for(node, scope));
        break;
      case "WhileStatement":
      case "DoWhileStatement":
        this.#stoppable(node, () => this.#all(node, scope));
        break;
      case "CatchClause":
        this.#all(node, { names: new Set(boundNames(node.param)), parent: scope });
        break;
      case "VariableDeclaration":
        this.#variables(node, scope);
        break;
      case "CallExpression":
      case "OptionalCallExpression":
        this.#call(node, scope);
        break;
      case "TaggedTemplateExpression":
        this.#callee(node.tag, scope);
        this.visit(node.quasi, scope);
        break;
      case "ObjectProperty":
        if (node.shorthand) this.#shorthand(node, scope);
        else {
          if (node.computed) this.visit(node.key, scope);
          this.visit(node.value, scope);
        }
        break;
      case "ClassProperty":
      case "ClassAccessorProperty":
        for (const decorator of node.decorators ?? []) this.visit(decorator, scope);
        if (node.computed) this.visit(node.key, scope);
        this.#inFunction(() => node.value && this.visit(node.value, scope));
        break;
      case "MemberExpression":
      case "OptionalMemberExpression":
        this.visit(node.object, scope);
        if (node.computed) this.visit(node.property, scope);
        break;
      case "LabeledStatement":
        this.visit(node.body, scope);
        break;
      case "BreakStatement":
      case "ContinueStatement":
        break;
      case "MetaProperty":
        if (node.meta.name === "import") this.edits.replace(node.start!, node.end!, RUNTIME.meta);
        break;
      case "Import":
        this.edits.replace(node.start!, node.end!, RUNTIME.load);
        break;
      case "Decorator": {
        const outer = this.#inDecorator;
        this.#inDecorator = true;
        this.#all(node, scope);
        this.#inDecorator = outer;
        break;
      }
      case "AwaitExpression":
        if (this.#depth === 0) this.isAsync = true;
        this.#all(node, scope);
        break;
      default:
        this.#all(node, scope);
    }
    if (NEEDS_SEMICOLON.has(node.type) && this.#cell.source[node.end! - 1] !== ";" && !this.#isForHead(node)) {
      this.edits.insert(node.end!, ";");
    }
  }

  #all(node: t.Node, scope: Scope | undefined): void {
    for (const child of children(node, TYPE_KEYS)) this.visit(child, scope);
  }

  #block(nodes: readonly t.Node[], scope: Scope | undefined, statements = nodes as readonly t.Statement[]): void {
    const names = new Map<string, NameKind>();
    for (const statement of statements) {
      if (statement.type !== "VariableDeclaration" || statement.kind !== "var") declareStatement(statement, names);
    }
    const inner = { names: new Set(names.keys()), parent: scope };
    for (const node of nodes) this.visit(unwrapExport(node as t.Statement), inner);
  }

  #inFunction(visit: () => void): void {
    this.#depth++;
    visit();
    this.#depth--;
  }

  #function(node: t.Function, scope: Scope | undefined): void {
    if ("decorators" in node) for (const decorator of node.decorators ?? []) this.visit(decorator, scope);
    if ("computed" in node && node.computed) this.visit(node.key, scope);
    const names = new Set<string>(node.params.flatMap(boundNames));
    if (node.type === "FunctionExpression" && node.id) names.add(node.id.name);
    if (!node.type.startsWith("Arrow")) names.add("arguments");
    const { body } = node;
    if (body?.type === "BlockStatement") collectVars(body.body, (name) => names.add(name));
    const inner = { names, parent: scope };
    this.#inFunction(() => {
      for (const param of node.params) this.visit(param, inner);
      if (body) this.visit(body, inner);
    });
  }

  #class(node: t.Class, scope: Scope | undefined): void {
    for (const decorator of node.decorators ?? []) this.visit(decorator, scope);
    const inner = node.id ? { names: new Set([node.id.name]), parent: scope } : scope;
    if (node.superClass) this.visit(node.superClass, inner);
    for (const member of node.body.body) {
      if (member.type === "StaticBlock") this.#inFunction(() => this.visit(member, inner));
      else if (member.type === "ClassPrivateProperty") {
        this.#inFunction(() => member.value && this.visit(member.value, inner));
      } else this.visit(member, inner);
    }
  }

  #enum(node: t.TSEnumDeclaration, scope: Scope | undefined): void {
    const members = node.members ?? node.body?.members ?? [];
    const names = members.map(({ id }) => (id.type === "Identifier" ? id.name : id.value));
    const inner = { names: new Set([node.id.name, ...names]), parent: scope };
    for (const { initializer } of members) if (initializer) this.visit(initializer, inner);
  }

  #namespace(node: t.TSModuleDeclaration, scope: Scope | undefined): void {
    if (node.declare) return;
    const name = namespaceName(node);
    const inner = name === undefined ? scope : { names: new Set([name]), parent: scope };
    const { body } = node;
    // Code in a namespace runs in a function of its own: `var` and `await` are not the cell's.
    this.#inFunction(() => (body.type === "TSModuleBlock" ? this.#block(body.body, inner) : this.visit(body, inner)));
  }

  readonly #forHeads = new Set<t.Node>();

  #isForHead(node: t.Node): boolean {
    return this.#forHeads.has(node);
  }

  #for(node: t.ForStatement | t.ForInStatement | t.ForOfStatement, scope: Scope | undefined): void {
    const head = node.type === "ForStatement" ? node.init : node.left;
    if (node.type === "ForOfStatement" && node.await && this.#depth === 0) this.isAsync = true;
    const names = new Map<string, NameKind>();
    if (head?.type === "VariableDeclaration") {
      this.#forHeads.add(head);
      if (head.kind !== "var") declareStatement(head, names);
    }
    this.#all(node, { names: new Set(names.keys()), parent: scope });
  }

  /**
   * An interrupt stops code that computes from outside, but not a loop that awaits, whose turns the event loop starts
   * one by one: that looks for itself, at the beginning of each turn, whether it was interrupted.
   */
  #stoppable(node: t.Loop, visit: () => void): void {
    const { body } = node;
    const awaits = (node.type === "ForOfStatement" && node.await) || children(node).some(containsAwait);
    const check = `${RUNTIME.check}();`;
    if (!awaits) return visit();
    if (body.type === "BlockStatement") this.edits.insert(body.start! + 1, ` ${check}`);
    else this.edits.insert(body.start!, `{ ${check} `);
    visit();
    if (body.type !== "BlockStatement") this.edits.insert(body.end!, " }");
  }

  /** A declaration whose names are shared loses its keyword and becomes assignments. */
  #variables(node: t.VariableDeclaration, scope: Scope | undefined): void {
    if (node.declare) return;
    if (node.kind === "await using" && this.#depth === 0) this.isAsync = true;
    const names = node.declarations.flatMap(({ id }) => boundNames(id));
    const shared = names.some((name) => this.#isDeclaredShared(name, node, scope));
    if (!shared) {
      for (const { id, init } of node.declarations) {
        // The name itself stays as it is; defaults and computed keys of a pattern are code.
        if (id.type !== "Identifier" && id.type !== "VoidPattern")
          this.visit(id, { names: new Set(names), parent: scope });
        if (init) this.visit(init, scope);
      }
      return;
    }
    const first = node.declarations[0]!;
    this.edits.replace(node.start!, first.start!, "");
    const assigns = !this.#isForHead(node) || node.declarations.some(({ init }) => init);
    for (const { id, init, start, end } of node.declarations) {
      if (id.type === "Identifier") {
        const target = `${RUNTIME.scope}.${id.name}`;
        this.edits.replace(id.start!, id.end!, target);
        if (init) this.#named(id.name, init, scope);
        // `let x` makes x undefined; `var x` leaves a value that is there already.
        else if (assigns) this.edits.insert(end!, node.kind === "var" ? ` = ${target}` : " = undefined");
      } else if (id.type !== "VoidPattern") {
        if (init) this.edits.insert(start!, "(");
        this.visit(id, scope);
        const annotation = "typeAnnotation" in id ? id.typeAnnotation : undefined;
        if (annotation) this.edits.replace(annotation.start!, annotation.end!, "");
        if (init) {
          this.visit(init, scope);
          this.edits.insert(end!, ")");
        }
      }
    }
  }

  #isDeclaredShared(name: string, node: t.VariableDeclaration, scope: Scope | undefined): boolean {
    if (node.kind.endsWith("using") || this.#depth > 0) return false;
    // At the top level every name is shared; in a block only `var` reaches it.
    return node.kind === "var" ? this.isShared(name, scope) : scope === undefined;
  }

  /** An anonymous function takes the name that it is assigned to, which a property of an object still gives it. */
  #named(name: string, init: t.Expression, scope: Scope | undefined): void {
    const anonymous =
      init.type === "ArrowFunctionExpression" ||
      ((init.type === "FunctionExpression" || init.type === "ClassExpression") && !init.id);
    if (anonymous) this.edits.insert(init.start!, `{${name}: `);
    this.visit(init, scope);
    if (anonymous) this.edits.insert(init.end!, `}.${name}`);
  }

  #call(node: t.CallExpression | t.OptionalCallExpression, scope: Scope | undefined): void {
    this.#callee(node.callee, scope);
    for (const argument of node.arguments) this.visit(argument, scope);
  }

  /** `f()` must not become a method call: `this` would be the scope object. */
  #callee(node: t.Node, scope: Scope | undefined): void {
    if (node.type !== "Identifier" || this.#inDecorator || !this.isShared(node.name, scope)) {
      return this.visit(node, scope);
    }
    this.edits.replace(node.start!, node.start! + node.name.length, `(0, ${RUNTIME.scope}.${node.name})`);
  }

  #shorthand(node: t.ObjectProperty, scope: Scope | undefined): void {
    const name = (node.key as t.Identifier).name;
    if (this.#meaning(name, scope) !== undefined) this.edits.insert(node.start!, `${name}: `);
    this.visit(node.value, scope);
  }
}
