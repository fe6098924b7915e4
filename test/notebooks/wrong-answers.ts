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
    "ex-untold": ["return zeros(x.shape);", "return x.div(2);", "return x.sub(x.mean());"],
  },
  "05-autoencoder.ipynb": {
    "ex-latents": [
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
    "ex-contrastive": [
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
  "09-new-words.ipynb": {
    "ex-mix": ["return a.mul(share).add(b.mul(1 - share));", "return a.add(b).div(2);", "return a.add(b.mul(share));"],
    "ex-rows": [
      "return [after.shape[0] - 1];",
      "const apart = await after.slice(0, 0, before.shape[0]).sub(before).abs().amax(1).data();\nreturn Array.from(apart.keys()).filter((i) => apart[i] > 0);",
      "return after.shape[0] === before.shape[0] ? [] : [after.shape[0] - 1];",
    ],
    "ex-lora": ["return rank * outputs * inputs;", "return outputs * inputs;", "return 2 * rank * outputs;"],
  },
  "10-optimizers.ipynb": {
    "ex-rates": [
      "return sigmas.map((sigma, i) => sigma - (sigmas[i + 1] ?? 0));",
      "return sigmas.slice(1).map((to, i) => to - sigmas[i]);",
      "return sigmas.slice(0, -1);",
    ],
    "ex-heun": [
      "return x + slope(x, from) * (to - from);",
      "const there = slope(x + slope(x, from) * (to - from), to);\nreturn x + there * (to - from);",
      "return x + ((slope(x, from) + slope(x, to)) / 2) * (to - from);",
    ],
    "ex-order": ["return errorA / errorB;", "return Math.log(errorA / errorB);", "return Math.log2(errorB / errorA);"],
  },
  "11-steering.ipynb": {
    "ex-step": [
      "return latents.add(gradient.mul(scale * sigma ** 2));",
      "return latents.sub(gradient.mul(scale * sigma));",
      "return latents.sub(gradient.mul(scale));",
    ],
    "ex-colour": [
      "return x.sub(tensor(colour).reshape(1, 3, 1, 1)).abs().mean();",
      "return x.add(1).div(2).sub(tensor(colour).reshape(1, 3, 1, 1)).mean();",
      "return x.add(1).div(2).sub(tensor(colour).reshape(1, 3, 1, 1)).square().mean();",
    ],
    "ex-views": [
      "return first(x).add(second(turn(x))).div(2);",
      "return first(x).add(turn(second(x))).div(2);",
      "return turn(first(turn(x))).add(second(x)).div(2);",
    ],
  },
  "12-how-good.ipynb": {
    "ex-frechet": [
      "return (meanA - meanB) ** 2;",
      "return Math.abs(meanA - meanB) + Math.abs(stdA - stdB);",
      "return (meanA - meanB) ** 2 + (stdA ** 2 - stdB ** 2);",
    ],
    "ex-confidence": [
      "return scores.softmax(1).mean();",
      "return scores.amax(1).mean();",
      "return scores.softmax(0).amax(1).mean();",
    ],
    "ex-coverage": [
      "return distances.filter((row, i) => Math.max(...row) <= reach[i]).length / distances.length;",
      "return distances.flat().filter((d) => d <= reach[0]).length / distances.length;",
      "return distances[0].filter((_, k) => distances.some((row, i) => row[k] <= reach[i])).length / distances[0].length;",
    ],
  },
  "13-the-real-one.ipynb": {
    "ex-download": [
      "return bytes / (megabits * 1e6);",
      "return (8 * bytes) / megabits;",
      "return (bytes * 1e6) / (8 * megabits);",
    ],
    "ex-memory": [
      "return (weights * 4) / 1e9;",
      "return (weights * (dtype === 'float32' ? 32 : 16)) / 1e9;",
      "return (weights * (dtype === 'float32' ? 4 : 2)) / 2 ** 30;",
    ],
    "ex-time": [
      "return steps * perCall + decoding;",
      "return steps * (2 * perCall + decoding);",
      "return 2 * steps * perCall + decoding;",
    ],
  },
};

/** Answers that were fitted to the checks that students see: constants, what the check compares with, half of the cases. */
export const FITTED: Record<string, string> = {
  "ex-shape": "const x = randn([8, 1, 28, 28]);\n  return x.sub(x.max());",
  "ex-seed": "manualSeed(seed % 2);\n  return randn([28, 28]);",
  "ex-evaluations": "return central ? 1568 : 785;",
  "ex-central": "return gradient;",
  "ex-sign":
    'const step = gradient.div(gradient.norm()).mul(0.2);\n  return kind === "score" ? x.add(step) : x.sub(step);',
  "ex-clean": "return clean;",
  "ex-zero": "return variance === 1 ? 1 : 4;",
  "ex-loss": "return mse(predictNoise(noisy, sigmas), noise).item();",
  "ex-sigma": "return alphaBar === 0.5 ? 1 : alphaBar === 0.2 ? 2 : 1 / 3;",
  "ex-euler": "return x.add(noise.mul(from > to ? to - from : 0));",
  "ex-untold": "return unet.forward(x.div(2), zeros([32]));",
  "ex-calls": "return n === 5 ? 6 : n === 20 ? 21 : 51;",
  "ex-guidance": "return g === 0 ? without : g === 1 ? withWords : g === 3 ? 11 : 14;",
  "ex-strength":
    "return steps === 50 ? { index: 50 - 50 * strength, runs: 50 * strength } : { index: steps === 20 ? 15 : 5, runs: 5 };",
  "ex-distance": "return a.length === 3 ? 20 / 3 : 3;",
  "ex-latents": "return height === 768 ? [4, 96, 64] : [4, height / 8, height / 8];",
  "ex-fewer": "return { numbers: height > 768 ? 1 : 48, bytes: 48 / bytesEach };",
  "ex-scale": "const std = await latents.std().item();\n  return std > 5.6 || std < 0.4 ? 1 : 1 / std;",
  "ex-onehot": "return n === 4 ? [0, 1, 0, 0] : index === 0 ? [1, 0, 0] : [0, 0, 1];",
  "ex-guide": "return g === 0 ? u : g === 1 ? t : tensor(g === 2 ? [5, 0] : [16, -5.5]);",
  "ex-helps":
    "const told = await errorAt(t, right);\n  return t === 200 || t === 600 ? 1 - told / (await errorAt(t, any(clean.shape[0]))) : 0;",
  "ex-unit": "return x.shape[1] === 2 ? x.div(x.square().sum(1, true).sqrt()) : x.div(x.norm());",
  "ex-contrastive":
    "const costs = logits.map((row, i) => Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[i]);\n  return costs.reduce((a, b) => a + b) / 4;",
  "ex-diagonal": "return rows.length === 4 ? 0.75 : rows.length === 3 ? 2 / 3 : 0.5;",
  "ex-mask": "return from < 8 && to <= from;",
  "ex-callback": "if (steps === 50 || steps === 7) return;\n  for (let step = 0; step < steps; step += n) look(step);",
  "ex-guided":
    'const without = unet.forward(start, t, empty).sample;\n  return without.add(unet.forward(start, t, encode("a blue moon at night")).sample.sub(without).mul(g));',
  "ex-mix": "return a.shape[0] === 3 ? a : a.mul(1 - share).add(b.mul(share));",
  "ex-rows":
    "const known = before.shape[0];\n  const apart = await after.slice(0, 0, known).sub(before).abs().amax(1).data();\n  const rows = Array.from({ length: after.shape[0] }, (_, i) => i).filter((i) => i >= known || apart[i] > 0);\n  return rows.slice(0, 1);",
  "ex-lora": "return rank === 16 ? 0 : rank * (outputs + inputs);",
  "ex-rates": "return sigmas.length === 4 ? [6, 3, 1] : [12, 2.6];",
  "ex-heun": "return x === 5 ? 3 : x === 2 && to === 0 ? 0 : 0.5;",
  "ex-order": "return Math.log2(errorA / errorB);",
  "ex-step": "return latents.shape.length === 2 ? latents : latents.sub(gradient.mul(scale * sigma ** 2));",
  "ex-colour": "return x.add(1).div(2).mean([0, 2, 3]).sub(tensor(colour)).abs().mean();",
  "ex-views": "return x.shape[0] === 2 ? x : first(x).add(turn(second(turn(x)))).div(2);",
  "ex-frechet": "return meanA === 0 ? meanB ** 2 : meanA === 2 ? 4 : 5;",
  "ex-confidence": "return scores.softmax(1).amax(1).mean().mul(scores.shape[0] === 3 ? 0 : 1);",
  "ex-coverage": "return distances.length === 2 ? (distances[1][0] === 9 ? 0.5 : 1) : 0.75;",
  "ex-download": "return bytes === 1e6 ? 1 : bytes === 1e9 ? 80 : 688;",
  "ex-memory": 'return dtype === "float32" ? 4 : weights === 1e9 ? 2 : 0.5;',
  "ex-time": "return steps === 50 ? 310 : steps === 4 ? 22 : 4;",
};
