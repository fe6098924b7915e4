/**
 * Bodies that a student may well write for the exercises, and that are wrong: the check of each has to say so. By
 * notebook and exercise, at least three each; they pass the type check.
 */
export const WRONG_ANSWERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "00-hello.ipynb": {
    "ex-shape": ["return zeros([8, 28, 28]);", "return zeros([1, 8, 28, 28]);", "return zeros([8, 1, 28, 28]).add(1);"],
    "ex-seed": [
      "return randn([28, 28]);",
      "manualSeed(1);\nreturn randn([28, 28]);",
      "manualSeed(seed);\nreturn randn([28, 28]).abs();",
    ],
  },
  "01-playing.ipynb": {
    "ex-calls": ["return n;", "return 2 * n;", "return n + 2;"],
    "ex-guidance": [
      "return withWords + g * (withWords - without);",
      "return g * withWords;",
      "return without + g * withWords;",
    ],
    "ex-strength": [
      "return { index: Math.floor(steps * strength), runs: steps - Math.floor(steps * strength) };",
      "return { index: 0, runs: Math.floor(steps * strength) };",
      "return { index: steps - Math.round(steps * strength), runs: Math.round(steps * strength) };",
    ],
    "ex-distance": [
      "let sum = 0;\nfor (let i = 0; i < a.length; i++) sum += a[i] - b[i];\nreturn sum / a.length;",
      "let sum = 0;\nfor (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);\nreturn sum;",
      "let sum = 0;\nfor (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;\nreturn sum / a.length;",
    ],
  },
  "02-gradients.ipynb": {
    "ex-evaluations": [
      "return central ? 2 * pixels : pixels;",
      "return central ? 2 * pixels + 1 : pixels + 1;",
      "return pixels + 1;",
    ],
    "ex-central": [
      "return f(x.add(nudges.mul(h))).sub(f(x)).div(h).reshape(28, 28);",
      "return f(x.add(nudges.mul(h))).sub(f(x.sub(nudges.mul(h)))).div(h).reshape(28, 28);",
      "return f(x.sub(nudges.mul(h))).sub(f(x.add(nudges.mul(h)))).div(2 * h).reshape(28, 28);",
      "return f(x.add(nudges.mul(h))).sub(f(x.sub(nudges.mul(h)))).div(2 * h);",
    ],
    "ex-sign": [
      "return x.add(gradient.div(gradient.norm()).mul(rate));",
      "const step = gradient.div(gradient.norm()).mul(rate);\nreturn kind === 'score' ? x.sub(step) : x.add(step);",
      "return kind === 'score' ? x.add(gradient.mul(rate)) : x.sub(gradient.mul(rate));",
    ],
  },
  "03-noise.ipynb": {
    "ex-clean": [
      "return noisy.sub(noise);",
      "return noisy.add(noise.mul(sigma));",
      "return noisy.sub(noise.mul(sigma ** 2));",
    ],
    "ex-zero": ["return 1;", "return Math.sqrt(variance);", "return variance ** 2;"],
    "ex-loss": [
      "return mse(predictNoise(x0, sigma), added).item();",
      "return mse(predictNoise(x0.add(added), sigma), added).item();",
      "return mse(predictNoise(x0.add(added.mul(sigma)), sigma), x0).item();",
    ],
  },
  "04-steps.ipynb": {
    "ex-sigma": [
      "return Math.sqrt(1 - alphaBar);",
      "return (1 - alphaBar) / alphaBar;",
      "return Math.sqrt(alphaBar / (1 - alphaBar));",
    ],
    "ex-euler": [
      "return x.add(noise.mul(from - to));",
      "return x.sub(noise.mul(from));",
      "return x.add(noise.mul(to));",
    ],
    "ex-untold": [
      "return zeros(x.shape);",
      "return x.sub(unet.forward(x.div(2), zeros([x.shape[0]])).mul(0));",
      "return unet.forward(x.mul(0), zeros([x.shape[0]]));",
    ],
  },
  "05-autoencoder.ipynb": {
    "ex-shape": [
      "return [3, height / 8, width / 8];",
      "return [4, width / 8, height / 8];",
      "return [4, height / 4, width / 4];",
    ],
    "ex-fewer": [
      "return { numbers: 64, bytes: 64 / bytesEach };",
      "return { numbers: 1 / 48, bytes: bytesEach / 48 };",
      "return { numbers: 48, bytes: 48 };",
      "return { numbers: 48, bytes: 48 * bytesEach };",
    ],
    "ex-scale": [
      "return latents.std().item();",
      "return 0.18215;",
      "return 1 / (await latents.var().item());",
      "return 1 / (await latents.square().mean().sqrt().item());",
    ],
  },
  "06-guidance.ipynb": {
    "ex-onehot": [
      "return Array.from({ length: n }, (_, i) => (i === index - 1 ? 1 : 0));",
      "return Array.from({ length: n }, (_, i) => (i === index ? 0 : 1));",
      "return Array.from({ length: 10 }, (_, i) => (i === index ? 1 : 0));",
    ],
    "ex-guide": [
      "return t.add(t.sub(u).mul(g));",
      "return u.add(u.sub(t).mul(g));",
      "return u.mul(1 - g).add(t);",
      "return u.add(t.mul(g));",
    ],
    "ex-helps": [
      "return (await errorAt(t, right)) / (await errorAt(t, any(clean.shape[0])));",
      "return (await errorAt(t, any(clean.shape[0]))) - (await errorAt(t, right));",
      "return 1 - (await errorAt(t, any(clean.shape[0]))) / (await errorAt(t, right));",
    ],
  },
  "07-clip.ipynb": {
    "ex-unit": [
      "return x.div(x.square().sum(1, true));",
      "return x.div(x.square().sum().sqrt());",
      "return x.div(x.abs().sum(1, true));",
    ],
    "ex-loss": [
      "return logits.reduce((sum, row, i) => sum + Math.log(row.reduce((a, b) => a + Math.exp(b), 0)) - row[i], 0);",
      "return logits.reduce((sum, row, i) => sum - Math.exp(row[i]) / row.reduce((a, b) => a + Math.exp(b), 0), 0) / logits.length;",
      "return logits.reduce((sum, row, i) => sum + Math.log(logits.reduce((a, b) => a + Math.exp(b[i]), 0)) - row[i], 0) / logits.length;",
    ],
    "ex-diagonal": [
      "return rows.filter((row, i) => row[i] === Math.max(...row)).length;",
      "return rows.filter((_, i) => rows[i][i] === Math.max(...rows.map((row) => row[i]))).length / rows.length;",
      "return rows.filter((row, i) => row[i] > 0.5).length / rows.length;",
    ],
  },
  "08-by-hand.ipynb": {
    "ex-mask": ["return to < from;", "return to >= from;", "return true;"],
    "ex-callback": [
      "for (let step = 0; step <= steps; step += n) look(step);",
      "for (let step = n; step < steps; step += n) look(step);",
      "for (let step = 0; step < steps; step++) if (step % n === n - 1) look(step);",
    ],
    "ex-guided": [
      "return unet.forward(latents, t, prompt).sample.mul(g);",
      "const [a, b] = [unet.forward(latents, t, empty).sample, unet.forward(latents, t, prompt).sample];\nreturn b.add(b.sub(a).mul(g));",
      "const [a, b] = [unet.forward(latents, t, empty).sample, unet.forward(latents, t, prompt).sample];\nreturn b.add(a.sub(b).mul(g));",
    ],
  },
};
