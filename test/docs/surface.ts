import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "@babel/parser";
import type * as t from "@babel/types";
import { ROOT } from "../root.ts";

/** Something that a user of the library can put the mouse on. */
export interface PublicName {
  /** `Tensor.add`, `ImagesOptions.title`, `nn.Conv2d` ... */
  readonly name: string;
  /** The text above it, without stars; empty where there is none. */
  readonly doc: string;
  readonly file: string;
}

type Declaration = t.Statement | t.VariableDeclarator;

interface Module {
  readonly file: string;
  readonly declared: Map<string, { declarations: Declaration[]; doc: string }>;
  /** Local name of what is imported: its file and its name there (`*` for the whole module). */
  readonly imported: Map<string, { from: string; name: string }>;
  readonly exported: Map<string, { from?: string; name: string }>;
  readonly stars: string[];
}

const modules = new Map<string, Module>();

/** Every name, member and option that `import ... from "difflab"` reaches, as the editor sees them: in the built declarations. */
export function publicNames(entry = join(ROOT, "dist/lib/index.d.ts")): PublicName[] {
  const found = new Map<string, PublicName>();
  const seen = new Set<unknown>();
  const all = [...exportsOf(entry, "")];
  for (const { file, name, as } of all) {
    const there = resolve(file, name);
    if (there) known.set(there.module.declared.get(there.name)!, as);
  }
  for (const { file, name, as } of all) declaration(file, name, as, found, seen);
  return [...found.values()];
}

/** Exported declarations and the names that they are exported under. */
const known = new Map<unknown, string>();

function* exportsOf(file: string, prefix: string): Generator<{ file: string; name: string; as: string }> {
  const module = load(file);
  for (const star of module.stars) yield* exportsOf(star, prefix);
  for (const [as, { from, name }] of module.exported) {
    if (name === "*") yield* exportsOf(from!, `${prefix}${as}.`);
    else yield { file: from ?? file, name, as: `${prefix}${as}` };
  }
}

/** Follows a name through re-exports and imports to where it is declared. */
function resolve(file: string, name: string): { module: Module; name: string } | undefined {
  const module = load(file);
  if (module.declared.has(name)) return { module, name };
  const passed = module.exported.get(name);
  if (passed?.from && passed.name !== "*") return resolve(passed.from, passed.name);
  const imported = module.imported.get(passed?.name ?? name);
  if (imported) return imported.name === "*" ? undefined : resolve(imported.from, imported.name);
  for (const star of module.stars) {
    const there = resolve(star, name);
    if (there) return there;
  }
  return undefined;
}

function declaration(file: string, name: string, as: string, found: Map<string, PublicName>, seen: Set<unknown>): void {
  const there = resolve(file, name);
  if (!there) return;
  const { module } = there;
  const { declarations, doc } = module.declared.get(there.name)!;
  if (seen.has(declarations)) return;
  seen.add(declarations);
  const add = (member: string, text: string) => {
    const before = found.get(member);
    if (!before?.doc) found.set(member, { name: member, doc: text, file: module.file });
  };
  add(as, doc);
  for (const each of declarations) {
    if (each.type === "ClassDeclaration") {
      if (each.superClass?.type === "Identifier") base(module, each.superClass.name, as, found, seen);
      for (const member of each.body.body) {
        const key = memberName(member);
        if (key) add(`${as}.${key}`, docOf(member) || inherited(module, each, key));
      }
    } else if (each.type === "TSInterfaceDeclaration") {
      for (const parent of each.extends ?? []) {
        if (parent.expression.type === "Identifier") base(module, parent.expression.name, as, found, seen);
      }
      for (const member of each.body.body) {
        const key = memberName(member);
        if (key) add(`${as}.${key}`, docOf(member));
      }
    } else if (each.type === "TSTypeAliasDeclaration") {
      visit(each.typeAnnotation, (node) => {
        if (node.type !== "TSTypeLiteral") return;
        for (const member of node.members) {
          const key = memberName(member);
          if (key) add(`${as}.${key}`, docOf(member));
        }
      });
    }
    // What its signatures name: the types of options, of results.
    visit(each, (node) => {
      if (node.type !== "TSTypeReference" || node.typeName.type !== "Identifier") return;
      const type = resolve(module.file, node.typeName.name);
      const declared = type?.module.declared.get(type.name);
      if (declared?.declarations.every(({ type }) => /^TS(Interface|TypeAlias)Declaration$/.test(type))) {
        declaration(module.file, node.typeName.name, node.typeName.name, found, seen);
      }
    });
  }
}

/** Members of what a class or interface extends: under its own name where it is exported, else under that of the one that extends it. */
function base(module: Module, name: string, as: string, found: Map<string, PublicName>, seen: Set<unknown>): void {
  const there = resolve(module.file, name);
  if (there) declaration(module.file, name, known.get(there.module.declared.get(there.name)!) ?? as, found, seen);
}

/** What the editor shows for an overriding member without a text: that of the class above. */
function inherited(module: Module, { superClass }: t.ClassDeclaration, key: string): string {
  if (superClass?.type !== "Identifier") return "";
  const there = resolve(module.file, superClass.name);
  for (const each of there ? there.module.declared.get(there.name)!.declarations : []) {
    if (each.type !== "ClassDeclaration") continue;
    const member = each.body.body.find((one) => memberName(one) === key && docOf(one));
    return member ? docOf(member) : inherited(there!.module, each, key);
  }
  return "";
}

function memberName(member: t.Node): string | undefined {
  const at = member as { key?: t.Node; computed?: boolean; accessibility?: string; static?: boolean; kind?: string };
  if (at.key?.type !== "Identifier" || at.computed || at.kind === "constructor") return undefined;
  if (at.accessibility === "private" || at.accessibility === "protected") return undefined;
  return at.key.name;
}

function load(file: string): Module {
  const read = modules.get(file);
  if (read) return read;
  const { program } = parse(readFileSync(file, "utf8"), {
    sourceType: "module",
    plugins: [["typescript", { dts: true }]],
    attachComment: true,
  });
  const module: Module = { file, declared: new Map(), imported: new Map(), exported: new Map(), stars: [] };
  modules.set(file, module);
  for (const statement of program.body) take(module, statement);
  return module;
}

function take(module: Module, statement: t.Statement): void {
  const path = (source: t.StringLiteral) => {
    const to = join(dirname(module.file), source.value.replace(/\.ts$/, ".d.ts"));
    return source.value.startsWith(".") && existsSync(to) ? to : undefined;
  };
  if (statement.type === "ImportDeclaration") {
    const from = path(statement.source);
    for (const each of from ? statement.specifiers : []) {
      const name = each.type === "ImportSpecifier" ? text(each.imported) : "*";
      module.imported.set(each.local.name, { from: from!, name });
    }
  } else if (statement.type === "ExportAllDeclaration") {
    const from = path(statement.source);
    if (from) module.stars.push(from);
  } else if (statement.type === "ExportNamedDeclaration") {
    const from = statement.source ? path(statement.source) : undefined;
    for (const each of statement.specifiers) {
      if (each.type === "ExportSpecifier") {
        module.exported.set(text(each.exported), { ...(from && { from }), name: each.local.name });
      } else if (each.type === "ExportNamespaceSpecifier") {
        module.exported.set(each.exported.name, { ...(from && { from }), name: "*" });
      }
    }
    if (statement.declaration) declare(module, statement.declaration, docOf(statement), true);
  } else declare(module, statement, docOf(statement), false);
}

function declare(module: Module, statement: t.Statement, doc: string, exported: boolean): void {
  const names: [string, Declaration][] =
    statement.type === "VariableDeclaration"
      ? statement.declarations.map((each) => [(each.id as t.Identifier).name, each])
      : "id" in statement && statement.id?.type === "Identifier"
        ? [[statement.id.name, statement]]
        : [];
  for (const [name, each] of names) {
    const before = module.declared.get(name);
    if (before) before.declarations.push(each);
    module.declared.set(name, {
      declarations: before?.declarations ?? [each],
      doc: before?.doc || doc || docOf(statement),
    });
    if (exported) module.exported.set(name, { name });
  }
}

function docOf(node: t.Node): string {
  const last = node.leadingComments?.filter((each) => each.type === "CommentBlock").at(-1);
  return last?.value.startsWith("*") ? last.value.replace(/^[ \t]*\*+ ?/gm, "").trim() : "";
}

function text(node: t.Identifier | t.StringLiteral): string {
  return node.type === "Identifier" ? node.name : node.value;
}

function visit(node: t.Node | null | undefined, see: (node: t.Node) => void): void {
  if (!node) return;
  see(node);
  for (const [key, value] of Object.entries(node)) {
    if (key === "loc" || key.endsWith("Comments")) continue;
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === "object" && each !== null && typeof each.type === "string") visit(each as t.Node, see);
    }
  }
}
