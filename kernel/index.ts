/** The TypeScript kernel for Jupyter, and a headless client that runs notebooks through it. */
export {};
