/** The Jupyter wire protocol: connection files, messages, signed frames, sockets. */
export * from "./codec.ts";
export * from "./connection.ts";
export * from "./message.ts";
export * from "./sockets.ts";
