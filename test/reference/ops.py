"""Records values, gradients and second derivatives of every operation with PyTorch 2.13 (CPU): ops.json.

Run: python test/reference/ops.py > test/reference/ops.json
For each case loss = sum(out * w), w = cos(0), cos(1), ...; the gradients of loss for each float input; and, where the
operation is smooth, the gradients of sum over inputs of sum(gradient * v), v = sin(1), sin(2), ...
"""
import json, math, platform, torch, torch.nn.attention
import torch.nn.functional as F

torch.manual_seed(0)
unfused = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH); unfused.__enter__() # the fused one has no second derivative
cases = {}
def R(*shape, lo=-2.0, hi=2.0): return ("f", (torch.rand(shape) * (hi - lo) + lo).mul(1000).round().div(1000))
def P(*shape): return R(*shape, lo=0.3, hi=2.5)
def I(high, *shape): return ("i", torch.randint(0, high, shape))
def distinct(*shape): # no ties, no near-ties: for max and its like
    n = math.prod(shape); return ("f", (torch.randperm(n).float() - n / 2).mul(0.37).reshape(shape))
def case(name, inputs, f, second=True): cases[name] = (inputs, f, second)

for n in "neg exp tanh sigmoid erf sin cos square".split(): case(n, [R(2, 5)], getattr(torch, n))
for n in "log sqrt rsqrt reciprocal".split(): case(n, [P(2, 5)], getattr(torch, n))
for n in "relu abs sign floor ceil round".split(): case(n, [R(3, 4)], getattr(torch, n), False)
case("silu", [R(3, 4)], F.silu); case("gelu", [R(3, 4)], F.gelu)
case("quickGelu", [R(3, 4)], lambda x: x * torch.sigmoid(1.702 * x))
case("clamp", [R(3, 4)], lambda x: x.clamp(-1, 0.5), False)
case("add", [R(2, 3), R(3)], torch.add); case("sub", [R(2, 1, 3), R(4, 1)], torch.sub); case("mul", [R(2, 3), R(2, 1)], torch.mul)
case("div", [R(2, 3), P(3)], torch.div); case("pow", [P(2, 3), R(3)], torch.pow)
case("powConstant", [R(2, 3)], lambda x: x.pow(3)); case("powHalf", [P(4)], lambda x: x.pow(0.5))
case("maximum", [distinct(2, 3), R(3)], torch.maximum, False); case("minimum", [distinct(2, 3), R(3)], torch.minimum, False)
case("remainder", [R(2, 4), P(4)], torch.remainder, False); case("floorDivide", [R(2, 4), P(4)], lambda a, b: torch.floor_divide(a.detach(), b.detach()), False)
case("where", [R(2, 3), R(2, 3)], lambda a, b: torch.where(a > 0, a * b, b), True)
case("maskedFill", [R(2, 3)], lambda a: a.masked_fill(a > 0.5, 7.0), False)
case("cast", [R(5)], lambda a: (a.long().float() + a.half().float()), False)
case("sum", [R(2, 3, 4)], lambda x: x.sum()); case("sumDim", [R(2, 3, 4)], lambda x: x.sum((0, 2))); case("sumKeep", [R(2, 3, 4)], lambda x: x.sum(1, keepdim=True))
case("mean", [R(2, 3, 4)], lambda x: x.mean()); case("meanDim", [R(2, 3, 4)], lambda x: x.mean((-1, 0)))
case("var", [R(3, 5)], lambda x: x.var(1)); case("std", [R(3, 5)], lambda x: x.std(0, keepdim=True, correction=0)); case("norm", [R(3, 4)], lambda x: torch.linalg.vector_norm(x, dim=1))
case("max", [distinct(3, 4)], lambda x: x.max(), False); case("maxDim", [distinct(3, 4)], lambda x: x.max(1).values, False)
case("amax", [distinct(2, 3, 4)], lambda x: x.amax((0, 2)), False); case("minDim", [distinct(3, 4)], lambda x: x.min(0).values, False)
case("argmax", [distinct(3, 4)], lambda x: x.argmax(1).float(), False); case("argmin", [distinct(3, 4)], lambda x: x.argmin().float(), False)
case("cumsum", [R(3, 4)], lambda x: x.cumsum(1)); case("softmax", [R(3, 4)], lambda x: x.softmax(1)); case("softmaxFirst", [R(3, 4, 2)], lambda x: x.softmax(0)); case("logSoftmax", [R(3, 4)], lambda x: x.log_softmax(-1))
case("reshape", [R(2, 6)], lambda x: x.reshape(3, -1) ** 2); case("permute", [R(2, 3, 4)], lambda x: x.permute(2, 0, 1) ** 2); case("transpose", [R(2, 3, 4)], lambda x: x.transpose(0, -1) ** 2)
case("squeeze", [R(2, 1, 3)], lambda x: x.squeeze(1) ** 2); case("unsqueeze", [R(2, 3)], lambda x: x.unsqueeze(-1) ** 2); case("expand", [R(2, 1, 3)], lambda x: x.expand(2, 4, 3) ** 2)
case("repeat", [R(2, 3)], lambda x: x.repeat(2, 1, 2) ** 2); case("flatten", [R(2, 3, 4)], lambda x: x.flatten(1) ** 2); case("flip", [R(2, 3, 4)], lambda x: x.flip(0, 2) ** 2)
case("slice", [R(5, 6)], lambda x: x[1:4, ::2] ** 2); case("select", [R(5, 6)], lambda x: x[:, -2] ** 2); case("sliceStep3", [R(11)], lambda x: x[2::3] ** 2)
case("pad", [R(2, 3)], lambda x: F.pad(x, (1, 2, 0, 1), value=0.5) ** 2); case("padNegative", [R(4, 5)], lambda x: F.pad(x, (-1, -1, 2, -1)) ** 2)
case("cat", [R(2, 3), R(2, 2)], lambda a, b: torch.cat([a, b, a], 1) ** 2); case("stack", [R(2, 3), R(2, 3)], lambda a, b: torch.stack([a, b], 1) ** 2)
case("split", [R(7, 2)], lambda x: x.split(3)[1] * x.split(3)[0]); case("chunk", [R(2, 6)], lambda x: x.chunk(3, 1)[2] ** 2); case("tril", [R(4, 4)], lambda x: x.tril() ** 2)
case("indexSelect", [R(5, 3), I(5, 4)], lambda x, i: x.index_select(0, i) ** 2); case("indexSelectDim1", [R(2, 5, 3), I(5, 7)], lambda x, i: x.index_select(1, i) ** 2)
case("embedding", [I(6, 2, 3), R(6, 4)], lambda i, w: F.embedding(i, w) ** 2); case("gather", [R(3, 5), I(5, 3, 4)], lambda x, i: x.gather(1, i) ** 2)
case("scatterAdd", [R(3, 5), I(5, 3, 4), R(3, 4)], lambda x, i, s: x.scatter_add(1, i, s) ** 2)
case("matmul", [R(3, 4), R(4, 2)], torch.matmul); case("matmulBatch", [R(2, 3, 4), R(2, 4, 5)], torch.matmul); case("matmulBroadcast", [R(2, 3, 4), R(4, 5)], torch.matmul)
case("matmulBroadcastLeft", [R(3, 4), R(2, 4, 5)], torch.matmul); case("matmulVector", [R(3, 4), R(4)], torch.matmul); case("dot", [R(4), R(4)], torch.matmul); case("vectorMatrix", [R(4), R(2, 4, 3)], torch.matmul)
case("einsum", [R(2, 3, 4), R(2, 5, 4)], lambda a, b: torch.einsum("bid,bjd->bij", a, b)); case("einsum3", [R(2, 3), R(3, 4), R(4)], lambda a, b, c: torch.einsum("ij,jk,k->i", a, b, c)); case("einsumTrace", [R(2, 3, 4)], lambda a: torch.einsum("ijk->ki", a))
case("linear", [R(2, 3, 4), R(5, 4), R(5)], F.linear)
case("conv2d", [R(2, 3, 6, 5), R(4, 3, 3, 3), R(4)], lambda x, w, b: F.conv2d(x, w, b, padding=1)); case("conv2dStride", [R(2, 3, 7, 6), R(4, 3, 3, 3)], lambda x, w: F.conv2d(x, w, stride=2, padding=1))
case("conv2dEven", [R(1, 2, 8, 8), R(3, 2, 4, 4)], lambda x, w: F.conv2d(x, w, stride=2, padding=1)); case("conv2d1x1", [R(2, 3, 4, 4), R(5, 3, 1, 1), R(5)], lambda x, w, b: F.conv2d(x, w, b)); case("conv2dStride1x1", [R(2, 3, 5, 5), R(2, 3, 1, 1)], lambda x, w: F.conv2d(x, w, stride=2))
case("conv2dGroups", [R(2, 4, 5, 5), R(6, 2, 3, 3)], lambda x, w: F.conv2d(x, w, groups=2, padding=1)); case("conv2dDepthwise", [R(2, 3, 5, 5), R(3, 1, 3, 3)], lambda x, w: F.conv2d(x, w, groups=3, padding=1)); case("conv2dDilated", [R(1, 2, 8, 8), R(3, 2, 3, 3)], lambda x, w: F.conv2d(x, w, dilation=2, padding=(2, 1)))
case("conv2dLarge", [R(1, 2, 13, 12), R(2, 2, 6, 6)], lambda x, w: F.conv2d(x, w, stride=3, padding=1)); case("conv2dPatches", [R(2, 3, 12, 12), R(4, 3, 6, 6)], lambda x, w: F.conv2d(x, w, stride=6))
case("conv2dBlocks", [R(2, 16, 8, 8, lo=-1, hi=1), R(32, 16, 3, 3, lo=-.3, hi=.3), R(32)], lambda x, w, b: F.conv2d(x, w, b, padding=1), False); case("conv2dBlocksStride", [R(2, 16, 8, 8, lo=-1, hi=1), R(32, 16, 3, 3, lo=-.3, hi=.3), R(32)], lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), False)
case("convTranspose2d", [R(2, 3, 4, 5), R(3, 2, 3, 3), R(2)], lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1)); case("convTranspose2dGroups", [R(1, 4, 4, 4), R(4, 2, 2, 2)], lambda x, w: F.conv_transpose2d(x, w, stride=2, groups=2))
case("groupNorm", [R(2, 6, 3, 4), R(6), R(6)], lambda x, w, b: F.group_norm(x, 3, w, b)); case("groupNormBlocks", [R(2, 32, 8, 8), R(32), R(32)], lambda x, w, b: F.group_norm(x, 8, w, b), False); case("groupNorm3d", [R(2, 4, 5), R(4), R(4)], lambda x, w, b: F.group_norm(x, 2, w, b))
case("layerNorm", [R(3, 2, 5), R(5), R(5)], lambda x, w, b: F.layer_norm(x, (5,), w, b)); case("batchNorm", [R(3, 4, 2, 2), R(4), R(4)], lambda x, w, b: F.batch_norm(x, None, None, w, b, True))
case("maxPool", [distinct(2, 3, 6, 6)], lambda x: F.max_pool2d(x, 2), False); case("maxPoolOverlap", [distinct(1, 2, 7, 7)], lambda x: F.max_pool2d(x, 3, 2, 1), False)
case("avgPool", [R(2, 3, 6, 6)], lambda x: F.avg_pool2d(x, 2) ** 2); case("avgPoolOverlap", [R(1, 2, 7, 7)], lambda x: F.avg_pool2d(x, 3, 2, 1) ** 2); case("avgPoolRest", [R(1, 2, 7, 5)], lambda x: F.avg_pool2d(x, 2) ** 2)
case("upsample", [R(2, 3, 4, 3)], lambda x: F.interpolate(x, scale_factor=2, mode="nearest") ** 2)
case("mseLoss", [R(3, 4), R(3, 4)], F.mse_loss); case("l1Loss", [R(3, 4), R(3, 4)], F.l1_loss, False); case("smoothL1Loss", [R(3, 4), R(3, 4)], F.smooth_l1_loss, False); case("crossEntropy", [R(4, 5), I(5, 4)], F.cross_entropy); case("crossEntropyImages", [R(2, 3, 2, 2), I(3, 2, 2, 2)], lambda x, t: F.cross_entropy(x, t, reduction="sum"))
case("crossEntropySmooth", [R(4, 5), I(5, 4)], lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1)); case("nllLoss", [R(4, 5), I(5, 4)], F.nll_loss); case("bce", [R(3, 4), P(3, 4)], lambda x, t: F.binary_cross_entropy_with_logits(x, t / 3), False)
case("attention", [R(2, 2, 3, 4), R(2, 2, 5, 4), R(2, 2, 5, 4)], F.scaled_dot_product_attention); case("attentionCausal", [R(1, 2, 4, 3), R(1, 2, 4, 3), R(1, 2, 4, 3)], lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)); case("attentionMask", [R(1, 2, 3, 4), R(1, 2, 5, 4), R(1, 2, 5, 4), R(3, 5)], lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m))

# What users' fingers expect
case("clone", [R(2, 3)], lambda x: x.clone() ** 2); case("log2", [P(2, 4)], torch.log2); case("log10", [P(2, 4)], torch.log10); case("log1p", [P(2, 4)], torch.log1p); case("expm1", [R(2, 4)], torch.expm1)
case("log1pSmall", [R(6, lo=-1e-3, hi=1e-3)], lambda x: torch.log1p(x / 100) * 1e5); case("expm1Small", [R(6, lo=-1e-3, hi=1e-3)], lambda x: torch.expm1(x / 100) * 1e5)
case("lerp", [R(2, 3), R(2, 3), R(3)], torch.lerp); case("lerpNumber", [R(2, 3), R(2, 3)], lambda a, b: torch.lerp(a, b, 0.3)); case("prod", [R(2, 3)], torch.prod); case("prodDim", [R(2, 5)], lambda x: x.prod(1)); case("prodKeep", [R(3, 2)], lambda x: x.prod(0, keepdim=True))
case("prodZero", [("f", torch.tensor([[2., 0., 3.], [0., 4., 0.]]))], lambda x: x.prod(1)); case("cumprod", [R(2, 6)], lambda x: x.cumprod(1)); case("cumprodZero", [("f", torch.tensor([2., 0., 3., 4.]))], lambda x: x.cumprod(0))
case("logsumexp", [R(3, 4)], lambda x: x.logsumexp(1)); case("logsumexpDims", [R(2, 3, 4)], lambda x: x.logsumexp((0, 2), keepdim=True)); case("logsumexpLarge", [("f", torch.tensor([[1000., 1001.], [-1000., -1001.]]))], lambda x: x.logsumexp(1))
case("dotProduct", [R(4), R(4)], torch.dot); case("outer", [R(3), R(4)], torch.outer); case("bmm", [R(2, 3, 4), R(2, 4, 2)], torch.bmm); case("meshgrid", [R(3), R(2)], lambda a, b: torch.meshgrid(a, b, indexing="ij")[0] * torch.meshgrid(a, b, indexing="ij")[1])
case("meshgridXy", [R(3), R(2)], lambda a, b: torch.meshgrid(a, b, indexing="xy")[0] * torch.meshgrid(a, b, indexing="xy")[1]); case("diagVector", [R(3)], lambda x: x.diag(1) ** 2); case("diagMatrix", [R(3, 4)], lambda x: x.diag(1) ** 2); case("diagBelow", [R(3, 4)], lambda x: x.diag(-2) ** 2)
case("triu", [R(2, 3, 4)], lambda x: x.triu(1) ** 2); case("trilBelow", [R(3, 4)], lambda x: x.tril(-1) ** 2); case("roll", [R(2, 5)], lambda x: x.roll(2, 1) * x); case("rollFlat", [R(2, 3)], lambda x: x.roll(-4) * x); case("rollTwo", [R(3, 4)], lambda x: x.roll((1, -3), (0, 1)) * x)
case("unfold", [R(2, 7)], lambda x: x.unfold(1, 3, 2) ** 2); case("unfoldRows", [R(5, 3)], lambda x: x.unfold(0, 2, 1) ** 2); case("scatter", [R(3, 5), ("i", torch.tensor([[0, 4], [1, 2], [3, 0]])), R(3, 2)], lambda x, i, s: x.scatter(1, i, s) ** 2); case("scatterNumber", [R(3, 5), ("i", torch.tensor([[0], [1], [3]]))], lambda x, i: x.scatter(1, i, 7.0) ** 2)
case("topk", [distinct(3, 5)], lambda x: x.topk(2).values ** 2, False); case("topkSmallest", [distinct(4, 3)], lambda x: x.topk(3, dim=0, largest=False).values ** 2, False); case("topkIndices", [distinct(3, 5)], lambda x: x.topk(2).indices.float(), False)
case("sort", [distinct(3, 5)], lambda x: x.sort(1).values ** 2, False); case("sortDescending", [distinct(3, 4)], lambda x: x.sort(0, descending=True).values ** 2, False); case("argsort", [distinct(3, 5)], lambda x: x.argsort(1).float(), False); case("argsortTies", [("f", torch.tensor([2., 1., 2., 1., 2.]))], lambda x: x.argsort(stable=True).float(), False)
case("median", [distinct(3, 4)], lambda x: x.median(), False); case("medianDim", [distinct(3, 4)], lambda x: x.median(1).values, False); case("medianKeep", [distinct(3, 3)], lambda x: x.median(0, keepdim=True).values, False); case("medianTies", [("f", torch.tensor([1., 2., 2., 2., 3.]))], lambda x: x.median(), False)
case("quantile", [distinct(3, 4)], lambda x: x.quantile(0.3), False); case("quantileDim", [distinct(3, 5)], lambda x: x.quantile(0.4, dim=1), False); case("quantileList", [distinct(3, 5)], lambda x: x.quantile(torch.tensor([0.1, 0.9], dtype=x.dtype), dim=1, keepdim=True), False)
for how in "lower higher nearest midpoint".split(): case("quantile" + how.capitalize(), [distinct(7)], lambda x, how=how: x.quantile(0.4, interpolation=how), False)
case("histc", [R(20)], lambda x: x.histc(5, -1, 1), False); case("histcOwn", [R(20)], lambda x: x.histc(4), False); case("histcEdges", [("f", torch.tensor([0., 1., 2., 3., 3., -1.]))], lambda x: x.histc(3, 0, 3), False)
case("cdist", [R(3, 4), R(2, 4)], lambda a, b: torch.cdist(a, b), False); case("cdistOne", [R(2, 3, 4), R(2, 2, 4)], lambda a, b: torch.cdist(a, b, p=1), False); case("cosineSimilarity", [R(3, 4), R(3, 4)], F.cosine_similarity); case("cosineSimilarityDim", [R(3, 4), R(3, 4)], lambda a, b: F.cosine_similarity(a, b, dim=0))
case("isinf", [R(3)], lambda x: (x / torch.tensor([0., 1., 2.])).isinf().double(), False); case("isclose", [R(3)], lambda x: torch.isclose(x, x + torch.tensor([0., 1e-9, 1.])).double(), False)
# nn.functional
case("elu", [R(2, 5)], F.elu, False); case("eluAlpha", [R(2, 5)], lambda x: F.elu(x, 0.5), False); case("leakyRelu", [R(2, 5)], F.leaky_relu, False); case("leakyReluSlope", [R(2, 5)], lambda x: F.leaky_relu(x, 0.2), False); case("softplus", [R(2, 5)], F.softplus); case("softplusBeta", [R(2, 5)], lambda x: F.softplus(x, 3, 2), False); case("mish", [R(2, 5)], F.mish)
case("normalize", [R(3, 4)], F.normalize); case("normalizeOne", [R(3, 4)], lambda x: F.normalize(x, p=1, dim=0), False); case("conv1d", [R(2, 3, 8), R(4, 3, 3), R(4)], lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1)); case("conv1dGroups", [R(2, 4, 8), R(4, 2, 3)], lambda x, w: F.conv1d(x, w, groups=2, dilation=2))
case("conv2dSame", [R(1, 2, 5, 6), R(3, 2, 4, 3)], lambda x, w: F.conv2d(x, w, padding="same")); case("conv2dSameDilated", [R(1, 2, 7, 6), R(3, 2, 3, 2)], lambda x, w: F.conv2d(x, w, padding="same", dilation=2)); case("conv2dValid", [R(1, 2, 5, 5), R(3, 2, 3, 3)], lambda x, w: F.conv2d(x, w, padding="valid"))
for mode in "reflect replicate circular".split(): case("pad" + mode.capitalize(), [R(1, 2, 4, 5)], lambda x, mode=mode: F.pad(x, (2, 1, 1, 3), mode=mode) ** 2)
case("interpolateNearest", [R(1, 2, 3, 4)], lambda x: F.interpolate(x, size=(5, 7)) ** 2); case("interpolateNearestScale", [R(1, 2, 4, 6)], lambda x: F.interpolate(x, scale_factor=(0.5, 1.5)) ** 2)
case("interpolateBilinear", [R(1, 2, 3, 4)], lambda x: F.interpolate(x, size=(6, 7), mode="bilinear") ** 2); case("interpolateBilinearCorners", [R(1, 2, 3, 4)], lambda x: F.interpolate(x, size=(5, 8), mode="bilinear", align_corners=True) ** 2); case("interpolateBilinearScale", [R(1, 2, 5, 4)], lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear") ** 2); case("interpolateSmaller", [R(1, 1, 8, 6)], lambda x: F.interpolate(x, size=(3, 4), mode="bilinear") ** 2); case("interpolateArea", [R(1, 1, 8, 6)], lambda x: F.interpolate(x, size=(3, 4), mode="area") ** 2)
case("unfoldImages", [R(2, 3, 5, 6)], lambda x: F.unfold(x, (2, 3), padding=1, stride=2) ** 2); case("unfoldDilated", [R(1, 2, 6, 6)], lambda x: F.unfold(x, 2, dilation=2) ** 2); case("embeddingPadding", [I(4, 2, 3), R(4, 2)], lambda i, w: F.embedding(i, w, padding_idx=1) ** 2)
case("layerNormPlain", [R(3, 5)], lambda x: F.layer_norm(x, (5,))); case("groupNormPlain", [R(2, 6, 4)], lambda x: F.group_norm(x, 3)); case("rmsNorm", [R(3, 5), R(5)], lambda x, w: F.rms_norm(x, (5,), w, 1e-6)); case("huberLoss", [R(3, 4), R(3, 4)], lambda a, b: F.huber_loss(a, b, delta=0.7), False); case("klDiv", [R(3, 4), P(3, 4)], lambda a, b: F.kl_div(a, b, reduction="batchmean")); case("klDivLog", [R(3, 4), R(3, 4)], lambda a, b: F.kl_div(a, b, reduction="batchmean", log_target=True))

def L(t): return [float(f"{v:.7g}") for v in t.detach().reshape(-1).tolist()]
out = {"made": {"torch": torch.__version__, "python": platform.python_version()}, "cases": {}}
torch.set_default_dtype(torch.float64) # exact references; inputs have three digits
for name, (inputs, f, second) in cases.items():
    xs = [x.double().requires_grad_() if k == "f" else x for k, x in inputs]
    y = f(*xs); w = torch.arange(y.numel(), dtype=torch.float64).cos().reshape(y.shape)
    fl = [x for x in xs if x.is_floating_point()]
    loss = (y * w).sum(); entry = {"inputs": [{"shape": list(x.shape), "dtype": "float32" if k == "f" else "int64", "data": L(x)} for k, x in inputs], "shape": list(y.shape), "value": L(y)}
    if y.requires_grad:
        gs = torch.autograd.grad(loss, fl, create_graph=second, allow_unused=True); entry["grads"] = [L(torch.zeros_like(x) if g is None else g) for x, g in zip(fl, gs)]
        if second:
            s = sum((g * torch.arange(1, g.numel() + 1, dtype=torch.float64).sin().reshape(g.shape)).sum() for g in gs if g is not None)
            if s.requires_grad: entry["second"] = [L(torch.zeros_like(x) if g is None else g) for x, g in zip(fl, torch.autograd.grad(s, fl, allow_unused=True))]
            else: entry["second"] = [L(torch.zeros_like(x)) for x in fl]
    out["cases"][name] = entry
print(json.dumps(out, separators=(",", ":")))
