# CLIP's two towers with residual attention, as TorchScript. Java packs this text into a module
# without weights (TowersArchive) and hands in every tensor; the words in capitals are replaced by
# the model's numbers (ClipConfig).
#
# Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision";
# Tang et al. 2024, "Mind the Interference" (DIKI), equation 5: the branch of a task, whose keys and
# values are learned, is added to the attention of the frozen layer before the output projection.
#
# Letters: B rows (images or texts), N tokens, M tokens that are asked for, W width, H heads,
# D = W / H, P prefix length, E embed dim, K texts, T tasks, L layers with a branch.
#
# Precision: linear layers and attention run in the dtype of their weights (float32 or bfloat16).
# The residual stream, LayerNorm, embeddings, the last projection, normalisation and losses are
# always float32, as under autocast: sums over many terms and layers lose too much in eight bits.
class Towers(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool

  # ---- weights ---------------------------------------------------------------------------------

  # A copy on the device; host memory behind x may then be used again. half: 1 for bfloat16.
  def place(self: __torch__.Towers, x: Tensor, device: str, half: int) -> Tensor:
    dtype = x.dtype
    if half == 1:
      dtype = 15  # bfloat16
    return torch.clone(torch.to(x, torch.device(device), dtype))

  # Contiguous copies in host memory.
  def to_host(self: __torch__.Towers, weights: List[Tensor]) -> List[Tensor]:
    copies = annotate(List[Tensor], [])
    for weight in weights:
      copies.append(torch.clone(weight.cpu()))
    return copies

  # ---- the two towers --------------------------------------------------------------------------

  # weights: class embedding (W), patch embedding (W, 3*p*p), positions (N, W), first LayerNorm (2),
  # twelve a layer, last LayerNorm (2), projection (E, W).
  def image_tower(self: __torch__.Towers, weights: List[Tensor], pixels: Tensor, branches: List[List[Tensor]], prompts: List[Tensor]) -> Tensor:
    B = pixels.size(0)
    patches = pixels[:, :, :IMAGE_CROP, :IMAGE_CROP].reshape(B, 3, IMAGE_GRID, PATCH, IMAGE_GRID, PATCH)
    patches = patches.permute(0, 2, 4, 1, 3, 5).reshape(B, IMAGE_GRID * IMAGE_GRID, 3 * PATCH * PATCH)
    x = torch.linear(torch.to(patches, weights[1].dtype), weights[1]).float()  # (B, N-1, W)
    x = torch.cat([weights[0].expand(B, 1, -1), x], 1) + weights[2]  # (B, N, W)
    x = self.prompted(x, prompts, 0)
    x = torch.layer_norm(x, [IMAGE_WIDTH], weights[3], weights[4], IMAGE_EPSILON)
    for i in range(IMAGE_LAYERS - 1):
      branch = self.branch_of(branches, i)
      x = self.layer(x, weights[5 + 12 * i : 17 + 12 * i], None, branch, IMAGE_HEADS, IMAGE_EPSILON, IMAGE_QUICK)
      x = self.prompted(x, prompts, i + 1)
    end = 5 + 12 * IMAGE_LAYERS
    branch = self.branch_of(branches, IMAGE_LAYERS - 1)
    row = x[:, 0:1]  # the class token's, (B, 1, W)
    row = self.last_layer(row, x, weights[end - 12 : end], None, branch, IMAGE_HEADS, IMAGE_EPSILON, IMAGE_QUICK)
    row = torch.layer_norm(row[:, 0], [IMAGE_WIDTH], weights[end], weights[end + 1], IMAGE_EPSILON)
    return self.normalised(torch.linear(row, weights[end + 2]))  # (B, E)

  # weights: token embedding (V, W), positions (C, W), twelve a layer, last LayerNorm (2),
  # projection (E, W). tokens (K, N) are cut after the last end of text; ends (K): the row to read.
  def text_tower(self: __torch__.Towers, weights: List[Tensor], tokens: Tensor, ends: Tensor, branches: List[List[Tensor]], prompts: List[Tensor]) -> Tensor:
    K = tokens.size(0)
    x = torch.embedding(weights[0], tokens) + weights[1][: tokens.size(1)]  # (K, N, W)
    x = self.prompted(x, prompts, 0)
    N = x.size(1)
    last = ends + (N - tokens.size(1))
    places = torch.arange(N, device=tokens.device)
    never = torch.zeros([1], device=tokens.device, dtype=weights[4].dtype) - inf
    causal = torch.where(places.unsqueeze(0) > places.unsqueeze(1), never, torch.zeros_like(never))  # (N, N)
    for i in range(TEXT_LAYERS - 1):
      branch = self.branch_of(branches, i)
      x = self.layer(x, weights[2 + 12 * i : 14 + 12 * i], causal, branch, TEXT_HEADS, TEXT_EPSILON, TEXT_QUICK)
      x = self.prompted(x, prompts, i + 1)
    end = 2 + 12 * TEXT_LAYERS
    branch = self.branch_of(branches, TEXT_LAYERS - 1)
    row = torch.gather(x, 1, last.view(K, 1, 1).expand(K, 1, TEXT_WIDTH))  # (K, 1, W)
    seen = torch.index_select(causal, 0, last).view(K, 1, 1, N)
    row = self.last_layer(row, x, weights[end - 12 : end], seen, branch, TEXT_HEADS, TEXT_EPSILON, TEXT_QUICK)
    row = torch.layer_norm(row[:, 0], [TEXT_WIDTH], weights[end], weights[end + 1], TEXT_EPSILON)
    return self.normalised(torch.linear(row, weights[end + 2]))  # (K, E)

  # Learned tokens behind the first one, the class token or the start of text; a deeper layer's take
  # the place of the layer's before. prompts: per layer (P, W), or nothing. (B, N, W) to (B, N + P, W).
  def prompted(self: __torch__.Towers, x: Tensor, prompts: List[Tensor], layer: int) -> Tensor:
    if layer < len(prompts):
      rest = 1
      if layer > 0:
        rest = 1 + prompts[layer].size(0)
      learned = prompts[layer].expand(x.size(0), -1, -1)
      x = torch.cat([x[:, :1], learned, x[:, rest:]], 1)
    return x

  def normalised(self: __torch__.Towers, x: Tensor) -> Tensor:
    return x / torch.clamp_min(torch.norm(x, 2, [-1], True), 1e-12)

  # ---- one layer -------------------------------------------------------------------------------
  # w: LayerNorm (2), in-projection (3W, W) + (3W), out-projection (2), LayerNorm (2), MLP (4).

  def layer(self: __torch__.Towers, x: Tensor, w: List[Tensor], mask: Optional[Tensor], branch: List[Tensor], heads: int, epsilon: float, quick: bool) -> Tensor:
    W = x.size(2)
    h = torch.layer_norm(x, [W], w[0], w[1], epsilon)
    q, k, v = torch.chunk(torch.linear(torch.to(h, w[2].dtype), w[2], w[3]), 3, -1)  # (B, N, W) each
    a = self.attention(self.split(q, heads), self.split(k, heads), self.split(v, heads), mask, branch)
    x = x + torch.linear(a, w[4], w[5])
    return x + self.mlp(x, w, epsilon, quick)  # (B, N, W)

  # The same for the one token of each row that is read afterwards: it asks, all tokens answer.
  def last_layer(self: __torch__.Towers, row: Tensor, x: Tensor, w: List[Tensor], mask: Optional[Tensor], branch: List[Tensor], heads: int, epsilon: float, quick: bool) -> Tensor:
    W = x.size(2)
    asking = torch.layer_norm(row, [W], w[0], w[1], epsilon)
    h = torch.layer_norm(x, [W], w[0], w[1], epsilon)
    q = torch.linear(torch.to(asking, w[2].dtype), w[2][:W], w[3][:W])  # (B, 1, W)
    k, v = torch.chunk(torch.linear(torch.to(h, w[2].dtype), w[2][W:], w[3][W:]), 2, -1)  # (B, N, W) each
    a = self.attention(self.split(q, heads), self.split(k, heads), self.split(v, heads), mask, branch)
    row = row + torch.linear(a, w[4], w[5])
    return row + self.mlp(row, w, epsilon, quick)  # (B, 1, W)

  def mlp(self: __torch__.Towers, x: Tensor, w: List[Tensor], epsilon: float, quick: bool) -> Tensor:
    h = torch.layer_norm(x, [x.size(2)], w[6], w[7], epsilon)
    h = torch.linear(torch.to(h, w[8].dtype), w[8], w[9])
    if quick:
      h = torch.silu(h * 1.702) * (1. / 1.702)  # h * sigmoid(1.702 h)
    else:
      h = torch.gelu(h)
    return torch.linear(h, w[10], w[11])

  def split(self: __torch__.Towers, x: Tensor, heads: int) -> Tensor:
    return x.view(x.size(0), x.size(1), heads, -1).transpose(1, 2)  # (B, H, N, D)

  # softmax(Q K^T / sqrt(D)) V + w softmax(Q key^T / sqrt(D)) value, heads joined again.
  # q (B, H, M, D); k, v (B, H, N, D); mask, added to the logits, broadcasts to (B, H, M, N).
  # branch: nothing, or key and value (R, P, W), a mask (R, 1, 1, P) and w (R, 1, 1, 1); R is B or 1.
  # Where gradients flow, attention is spelt out: the same bits each time on every device.
  def attention(self: __torch__.Towers, q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor], branch: List[Tensor]) -> Tensor:
    scale = q.size(3) ** -0.5
    if torch.is_grad_enabled():
      logits = torch.matmul(q * scale, k.transpose(2, 3))  # (B, H, M, N)
      if mask is not None:
        logits = logits + mask
      o = torch.matmul(torch.softmax(logits, -1), v)
    else:
      o = torch.scaled_dot_product_attention(q, k, v, mask)  # (B, H, M, D)
    if len(branch) > 0:
      key = self.split(torch.to(branch[0], q.dtype), q.size(1))  # (R, H, P, D)
      value = self.split(torch.to(branch[1], q.dtype), q.size(1))
      logits = torch.matmul(q * scale, key.transpose(2, 3)) + torch.to(branch[2], q.dtype)  # (B, H, M, P)
      learned = torch.matmul(torch.softmax(logits, -1), value)
      o = o + torch.to(branch[3] * learned, q.dtype)  # w stays float32: eight bits would move it
    return o.transpose(1, 2).reshape(q.size(0), q.size(2), -1)  # (B, M, W)

  # ---- branches --------------------------------------------------------------------------------

  def branch_of(self: __torch__.Towers, branches: List[List[Tensor]], layer: int) -> List[Tensor]:
    branch = annotate(List[Tensor], [])
    if layer < len(branches):
      branch = branches[layer]
    return branch

  # Each row's own prefix. bank (L, 2, T, P, W); mask (T, P) of 0 and -inf; slots, gates (B).
  def gather(self: __torch__.Towers, bank: Tensor, mask: Tensor, slots: Tensor, gates: Tensor) -> List[List[Tensor]]:
    branches = annotate(List[List[Tensor]], [])
    rows = torch.index_select(mask, 0, slots).unsqueeze(1).unsqueeze(1)  # (B, 1, 1, P)
    w = gates.view(-1, 1, 1, 1)
    for i in range(bank.size(0)):
      key = torch.index_select(bank[i][0], 0, slots)  # (B, P, W)
      value = torch.index_select(bank[i][1], 0, slots)
      branches.append([key, value, rows, w])
    return branches

  # A bank of the given shape on the device. Prefix old_slots[j] of the old bank becomes
  # new_slots[j]; fresh (F, L, 2, P, W), from the host, become fresh_slots. What is shorter or
  # shallower than the bank is filled up with zeros.
  def bank(self: __torch__.Towers, old: Tensor, old_slots: List[int], new_slots: List[int], fresh: Tensor, fresh_slots: List[int], shape: List[int], device: str, half: int) -> Tensor:
    dtype = 6  # float32
    if half == 1:
      dtype = 15  # bfloat16
    bank = torch.zeros(shape, dtype=dtype, device=torch.device(device))
    L = min(old.size(0), bank.size(0))
    P = min(old.size(3), bank.size(3))
    for j in range(len(old_slots)):
      bank[:L, :, new_slots[j], :P].copy_(old[:L, :, old_slots[j], :P])
    for j in range(len(fresh_slots)):
      bank[:, :, fresh_slots[j]].copy_(fresh[j])
    return bank

  # ---- inference -------------------------------------------------------------------------------

  def image_features(self: __torch__.Towers, weights: List[Tensor], pixels: Tensor, device: str) -> Tensor:
    x = torch.to(pixels, torch.device(device))
    return self.image_tower(weights, x, annotate(List[List[Tensor]], []), annotate(List[Tensor], [])).cpu()

  def image_features_with_tasks(self: __torch__.Towers, weights: List[Tensor], pixels: Tensor, bank: Tensor, mask: Tensor, slots: Tensor, gates: Tensor, device: str) -> Tensor:
    d = torch.device(device)
    branches = self.gather(bank, mask, torch.to(slots, d), torch.to(gates, d))
    return self.image_tower(weights, torch.to(pixels, d), branches, annotate(List[Tensor], [])).cpu()

  def text_features(self: __torch__.Towers, weights: List[Tensor], tokens: Tensor, ends: Tensor, device: str) -> Tensor:
    d = torch.device(device)
    return self.text_tower(weights, torch.to(tokens, d), torch.to(ends, d), annotate(List[List[Tensor]], []), annotate(List[Tensor], [])).cpu()

  def text_features_with_tasks(self: __torch__.Towers, weights: List[Tensor], tokens: Tensor, ends: Tensor, bank: Tensor, mask: Tensor, slots: Tensor, gates: Tensor, device: str) -> Tensor:
    d = torch.device(device)
    branches = self.gather(bank, mask, torch.to(slots, d), torch.to(gates, d))
    return self.text_tower(weights, torch.to(tokens, d), torch.to(ends, d), branches, annotate(List[Tensor], [])).cpu()

  # ---- learning one task's prefixes ------------------------------------------------------------

  # One prefix for all rows at w = 1. prefixes (L, 2, P, W), float32.
  def shared_branches(self: __torch__.Towers, prefixes: Tensor) -> List[List[Tensor]]:
    branches = annotate(List[List[Tensor]], [])
    P = prefixes.size(2)
    mask = torch.zeros([1, 1, 1, P], device=prefixes.device)
    w = torch.ones([1, 1, 1, 1], device=prefixes.device)
    rows = torch.unbind(prefixes.view(-1, 1, P, prefixes.size(3)))  # 2 L of (1, P, W)
    for i in range(prefixes.size(0)):
      branches.append([rows[2 * i], rows[2 * i + 1], mask, w])
    return branches

  # Text features with a task's prefixes, kept on the device; some texts at a time, so that memory
  # does not grow with their number.
  def prefix_texts(self: __torch__.Towers, weights: List[Tensor], prefixes: Tensor, tokens: Tensor, ends: Tensor, some: int) -> Tensor:
    parts = annotate(List[Tensor], [])
    for i in range(0, tokens.size(0), some):
      parts.append(self.text_tower(weights, tokens[i : i + some], ends[i : i + some], self.shared_branches(prefixes), annotate(List[Tensor], [])))
    return torch.cat(parts)  # (K, E)

  # The gradient of the text prefixes, given the loss's gradient of the text features (K, E): each
  # part of the texts is computed once more, so that only one part's activations are alive.
  def prefix_texts_gradient(self: __torch__.Towers, weights: List[Tensor], prefixes: Tensor, tokens: Tensor, ends: Tensor, some: int, slopes: Tensor) -> Tensor:
    total = torch.zeros_like(prefixes)
    for i in range(0, tokens.size(0), some):
      texts = self.text_tower(weights, tokens[i : i + some], ends[i : i + some], self.shared_branches(prefixes), annotate(List[Tensor], []))
      for gradient in torch.grad([torch.sum(texts * slopes[i : i + some])], [prefixes]):
        assert gradient is not None
        total = total + gradient
    return total

  # The mean cross-entropy and the number of right answers (2), and the gradients of the prefixes of
  # both towers; the backbone has none (DIKI, section 3.2). some: texts that are differentiated at
  # once; with so many or fewer in all, the graph reaches through the text tower.
  def prefix_loss(self: __torch__.Towers, image_weights: List[Tensor], text_weights: List[Tensor], image_prefixes: Tensor, text_prefixes: Tensor, pixels: Tensor, classes: Tensor, tokens: Tensor, ends: Tensor, some: int, logit_scale: float, device: str) -> List[Tensor]:
    d = torch.device(device)
    leaves = [torch.requires_grad_(torch.detach(image_prefixes)), torch.requires_grad_(torch.detach(text_prefixes))]
    parts = tokens.size(0) > some
    images = self.image_tower(image_weights, torch.to(pixels, d), self.shared_branches(leaves[0]), annotate(List[Tensor], []))
    if parts:
      texts = torch.requires_grad_(self.prefix_texts(text_weights, text_prefixes, tokens, ends, some))
      asked = [leaves[0], texts]
    else:
      texts = self.text_tower(text_weights, tokens, ends, self.shared_branches(leaves[1]), annotate(List[Tensor], []))
      asked = leaves
    logits = torch.matmul(images, texts.t()) * logit_scale  # (B, K)
    truth = torch.to(classes, d)
    loss = torch.cross_entropy_loss(logits, truth)
    gradients = annotate(List[Tensor], [])
    for gradient in torch.grad([loss], asked):
      assert gradient is not None
      gradients.append(gradient)
    if parts:
      gradients[1] = self.prefix_texts_gradient(text_weights, leaves[1], tokens, ends, some, gradients[1])
    correct = torch.sum(torch.eq(torch.argmax(logits, 1), truth))
    report = torch.stack([torch.detach(loss), torch.to(correct, 6)])  # 6: float32
    return [report, gradients[0], gradients[1]]

  # One step of SGD, in place, along what prefix_loss found; returns its report.
  def prefix_descend(self: __torch__.Towers, image_prefixes: Tensor, text_prefixes: Tensor, found: List[Tensor], rate: float) -> Tensor:
    image_prefixes.sub_(found[1], alpha=rate)
    text_prefixes.sub_(found[2], alpha=rate)
    return found[0].cpu()

  def prefix_logits(self: __torch__.Towers, weights: List[Tensor], prefixes: Tensor, pixels: Tensor, texts: Tensor, logit_scale: float, device: str) -> Tensor:
    images = self.image_tower(weights, torch.to(pixels, torch.device(device)), self.shared_branches(prefixes), annotate(List[Tensor], []))
    return (torch.matmul(images, texts.t()) * logit_scale).cpu()  # (B, K)

  # ---- learning a whole model ------------------------------------------------------------------

  # One step of AdamW (Loshchilov & Hutter 2019) on everything. weights: logit scale, then image_weights
  # tensors of the image tower, then the text tower's. numbers: learning rate, weight decay, beta1,
  # beta2, epsilon, greatest gradient norm, greatest logit scale (logarithm). Returns the contrastive
  # loss, the auxiliary loss and exp(logit scale).
  def contrastive_step(self: __torch__.Towers, weights: List[Tensor], means: List[Tensor], squares: List[Tensor], image_weights: int, step: int, numbers: List[float], pixels: Tensor, captions: Tensor, caption_ends: Tensor, prompts: Tensor, prompt_ends: Tensor, chosen: List[Tensor], targets: List[Tensor], ranges: List[int], shares: List[float], device: str) -> Tensor:
    d = torch.device(device)
    none = annotate(List[List[Tensor]], [])
    plain = annotate(List[Tensor], [])
    leaves = annotate(List[Tensor], [])
    for weight in weights:
      leaves.append(torch.requires_grad_(torch.detach(weight)))
    image_leaves = leaves[1 : 1 + image_weights]
    text_leaves = leaves[1 + image_weights :]
    images = self.image_tower(image_leaves, torch.to(pixels, d), none, plain)  # (B, E)
    texts = self.text_tower(text_leaves, torch.to(captions, d), torch.to(caption_ends, d), none, plain)  # (B, E)
    scale = torch.exp(leaves[0])
    logits = scale * torch.matmul(images, texts.t())  # (B, B)
    places = torch.arange(logits.size(0), device=d)
    contrastive = (torch.cross_entropy_loss(logits, places) + torch.cross_entropy_loss(logits.t(), places)) * 0.5
    auxiliary = torch.zeros_like(contrastive)
    if len(chosen) > 0:
      prompt_features = self.text_tower(text_leaves, torch.to(prompts, d), torch.to(prompt_ends, d), none, plain)
      for j in range(len(chosen)):
        some = torch.index_select(images, 0, torch.to(chosen[j], d))
        logits = scale * torch.matmul(some, prompt_features[ranges[2 * j] : ranges[2 * j + 1]].t())
        auxiliary = auxiliary + torch.cross_entropy_loss(logits, torch.to(targets[j], d)) * shares[j]
    gradients = torch.grad([contrastive + auxiliary], leaves)
    report = torch.stack([torch.detach(contrastive), torch.detach(auxiliary), torch.detach(scale)])
    self.adam_w(weights, means, squares, gradients, step, numbers)
    torch.clamp_(weights[0], 0., numbers[6])
    return report.cpu()

  # One step of AdamW on both towers for classification; the logit scale stands still. numbers: as for
  # adam_w, then label smoothing, distillation's temperature and its weight. reference: nothing, or
  # images (R, 3, S, S) and the original model's features of them (R, E) and of texts (M, E). Returns
  # the mean cross-entropy and the divergence before the step, and the number of right answers.
  def classify_step(self: __torch__.Towers, weights: List[Tensor], means: List[Tensor], squares: List[Tensor], image_weights: int, step: int, numbers: List[float], pixels: Tensor, classes: Tensor, tokens: Tensor, ends: Tensor, reference: List[Tensor], device: str) -> Tensor:
    report, gradients = self.classify_loss(weights, image_weights, numbers, pixels, classes, tokens, ends, reference, device)
    self.adam_w(weights[1:], means[1:], squares[1:], gradients, step, numbers)
    return report.cpu()

  # What such a step reports, and the gradients of all weights but the logit scale.
  def classify_loss(self: __torch__.Towers, weights: List[Tensor], image_weights: int, numbers: List[float], pixels: Tensor, classes: Tensor, tokens: Tensor, ends: Tensor, reference: List[Tensor], device: str) -> Tuple[Tensor, List[Optional[Tensor]]]:
    d = torch.device(device)
    none = annotate(List[List[Tensor]], [])
    plain = annotate(List[Tensor], [])
    leaves = annotate(List[Tensor], [])
    for weight in weights[1:]:
      leaves.append(torch.requires_grad_(torch.detach(weight)))
    scale = torch.exp(weights[0])
    images = self.image_tower(leaves[:image_weights], torch.to(pixels, d), none, plain)  # (B, E)
    texts = self.text_tower(leaves[image_weights:], torch.to(tokens, d), torch.to(ends, d), none, plain)  # (K, E)
    logits = scale * torch.matmul(images, texts.t())  # (B, K)
    truth = torch.to(classes, d)
    loss = torch.cross_entropy_loss(logits, truth, None, 1, -100, numbers[6])  # 1: mean, -100: ignored class
    divergence = torch.zeros_like(loss)
    if len(reference) > 0:
      moved = self.image_tower(leaves[:image_weights], torch.to(reference[0], d), none, plain)  # (R, E)
      known = torch.to(reference[2], d).t() * (scale / numbers[7])
      divergence = self.similarity_loss(torch.matmul(torch.to(reference[1], d), known), torch.matmul(moved, known)) * (numbers[7] * numbers[7])
    gradients = torch.grad([loss + divergence * numbers[8]], leaves)
    correct = torch.sum(torch.eq(torch.argmax(logits, 1), truth))
    return (torch.stack([torch.detach(loss), torch.detach(divergence), torch.to(correct, 6)]), gradients)

  # How far similarities (R, M) moved away from the original ones: Kullback-Leibler divergence of the
  # distributions over texts, mean over images, and over images, mean over texts.
  def similarity_loss(self: __torch__.Towers, original: Tensor, moved: Tensor) -> Tensor:
    return self.divergence(original, moved) + self.divergence(original.t(), moved.t())

  def divergence(self: __torch__.Towers, original: Tensor, moved: Tensor) -> Tensor:
    gap = torch.log_softmax(original, 1) - torch.log_softmax(moved, 1)
    return torch.sum(torch.softmax(original, 1) * gap) / original.size(0)

  # A copy of each weight, on the device.
  def copies(self: __torch__.Towers, weights: List[Tensor]) -> List[Tensor]:
    copies = annotate(List[Tensor], [])
    for weight in weights:
      copies.append(torch.clone(weight))
    return copies

  def overwrite(self: __torch__.Towers, weights: List[Tensor], values: List[Tensor]) -> None:
    for i in range(len(weights)):
      weights[i].copy_(values[i])

  def clear(self: __torch__.Towers, weights: List[Tensor]) -> None:
    for weight in weights:
      weight.zero_()

  # Takes the weights into the mean of count - 1 earlier ones.
  def average(self: __torch__.Towers, mean: List[Tensor], weights: List[Tensor], count: int) -> None:
    for i in range(len(mean)):
      mean[i].add_(weights[i] - mean[i], alpha=1. / count)

  # The two towers' shares of such a list of weights.
  def image_part(self: __torch__.Towers, weights: List[Tensor], image_weights: int) -> List[Tensor]:
    return weights[1 : 1 + image_weights]

  def text_part(self: __torch__.Towers, weights: List[Tensor], image_weights: int) -> List[Tensor]:
    return weights[1 + image_weights :]

  def adam_w(self: __torch__.Towers, weights: List[Tensor], means: List[Tensor], squares: List[Tensor], gradients: List[Optional[Tensor]], step: int, numbers: List[float]) -> None:
    rate, decay, beta1, beta2, epsilon, greatest = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
    total = torch.zeros([], device=weights[0].device)
    for g in gradients:
      if g is not None:
        total = total + torch.sum(g * g)
    shrink = torch.clamp_max(torch.reciprocal(torch.sqrt(total) + 1e-6) * greatest, 1.)
    for i in range(len(weights)):
      g = gradients[i]
      if g is not None:
        g = g * shrink
        if weights[i].dim() > 1:
          weights[i].mul_(1. - rate * decay)
        means[i].mul_(beta1).add_(g, alpha=1. - beta1)
        squares[i].mul_(beta2).addcmul_(g, g, value=1. - beta2)
        root = torch.sqrt(squares[i] / (1. - beta2 ** step)) + epsilon
        weights[i].addcdiv_(means[i], root, value=-rate / (1. - beta1 ** step))

  # ---- learning one task's prompts -------------------------------------------------------------

  # prompts: image (L, P, W) and text (L, P, W), float32. The backbone has no gradients.
  def prompted_images(self: __torch__.Towers, weights: List[Tensor], prompts: List[Tensor], pixels: Tensor, device: str) -> Tensor:
    x = torch.to(pixels, torch.device(device))
    return self.image_tower(weights, x, annotate(List[List[Tensor]], []), torch.unbind(prompts[0])).cpu()

  def prompted_texts(self: __torch__.Towers, weights: List[Tensor], prompts: List[Tensor], tokens: Tensor, ends: Tensor, device: str) -> Tensor:
    d = torch.device(device)
    return self.text_tower(weights, torch.to(tokens, d), torch.to(ends, d), annotate(List[List[Tensor]], []), torch.unbind(prompts[1])).cpu()

  # One step of AdamW on both; numbers as for adam_w. Returns the mean cross-entropy before the step
  # and the number of right answers.
  def prompt_step(self: __torch__.Towers, image_weights: List[Tensor], text_weights: List[Tensor], prompts: List[Tensor], means: List[Tensor], squares: List[Tensor], step: int, numbers: List[float], pixels: Tensor, classes: Tensor, tokens: Tensor, ends: Tensor, logit_scale: float, device: str) -> Tensor:
    report, gradients = self.prompt_loss(image_weights, text_weights, prompts, pixels, classes, tokens, ends, logit_scale, device)
    self.adam_w(prompts, means, squares, gradients, step, numbers)
    return report.cpu()

  def prompt_loss(self: __torch__.Towers, image_weights: List[Tensor], text_weights: List[Tensor], prompts: List[Tensor], pixels: Tensor, classes: Tensor, tokens: Tensor, ends: Tensor, logit_scale: float, device: str) -> Tuple[Tensor, List[Optional[Tensor]]]:
    d = torch.device(device)
    none = annotate(List[List[Tensor]], [])
    leaves = [torch.requires_grad_(torch.detach(prompts[0])), torch.requires_grad_(torch.detach(prompts[1]))]
    images = self.image_tower(image_weights, torch.to(pixels, d), none, torch.unbind(leaves[0]))
    texts = self.text_tower(text_weights, torch.to(tokens, d), torch.to(ends, d), none, torch.unbind(leaves[1]))
    logits = torch.matmul(images, texts.t()) * logit_scale  # (B, K)
    truth = torch.to(classes, d)
    loss = torch.cross_entropy_loss(logits, truth)
    gradients = torch.grad([loss], leaves)
    correct = torch.sum(torch.eq(torch.argmax(logits, 1), truth))
    return (torch.stack([torch.detach(loss), torch.to(correct, 6)]), gradients)

  # Both gradients in host memory: what the tests compare.
  def prompt_gradients(self: __torch__.Towers, image_weights: List[Tensor], text_weights: List[Tensor], prompts: List[Tensor], pixels: Tensor, classes: Tensor, tokens: Tensor, ends: Tensor, logit_scale: float, device: str) -> List[Tensor]:
    report, gradients = self.prompt_loss(image_weights, text_weights, prompts, pixels, classes, tokens, ends, logit_scale, device)
    known = annotate(List[Tensor], [])
    for gradient in gradients:
      assert gradient is not None
      known.append(gradient)
    return self.to_host(known)
