"""Makes the golden models beside this file: small CLIPs of odd shapes with random weights, and what
transformers and a plain reading of DIKI say about them. Everything is computed in float64 and
stored in float32. See README.md."""

import copy
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

HERE = pathlib.Path(__file__).resolve().parent

# Two towers' shapes each: (width, heads, layers, mlp width, activation, layer norm epsilon).
MODELS = {
    "quick-gelu": dict(
        image=(48, 3, 3, 96, "quick_gelu", 1e-5), text=(24, 3, 2, 96, "quick_gelu", 1e-5),
        side=24, patch=8, context=12, vocabulary=50, embed=20, eos=2, scale=20.0),
    "gelu-literal-end": dict(  # 20 is no multiple of 6: the convolution leaves two pixels out
        image=(40, 5, 2, 80, "gelu", 1e-6), text=(48, 4, 3, 100, "gelu", 1e-6),
        side=20, patch=6, context=9, vocabulary=40, embed=16, eos=7, scale=60.0),
    "one-head": dict(
        image=(64, 1, 4, 64, "quick_gelu", 1e-5), text=(32, 2, 4, 48, "gelu", 1e-6),
        side=16, patch=4, context=16, vocabulary=64, embed=24, eos=2, scale=100.0),
    "one-layer": dict(
        image=(16, 2, 1, 32, "gelu", 1e-5), text=(20, 5, 1, 40, "quick_gelu", 1e-5),
        side=8, patch=8, context=6, vocabulary=20, embed=8, eos=3, scale=14.3),
}

# Three tasks of each model: prefix length, layers of the image tower, layers of the text tower,
# whether the values are zero (a task that was never trained).
TASKS = [(4, 99, 99, False), (8, 1, 1, False), (5, 2, 2, True)]


def model_of(m):
    def tower(shape):
        width, heads, layers, mlp, activation, epsilon = shape
        return dict(hidden_size=width, num_attention_heads=heads, num_hidden_layers=layers,
                    intermediate_size=mlp, hidden_act=activation, layer_norm_eps=epsilon,
                    projection_dim=m["embed"])
    end = m["vocabulary"] - 1 if m["eos"] == 2 else m["eos"]
    config = CLIPConfig(
        text_config=dict(**tower(m["text"]), vocab_size=m["vocabulary"],
                         max_position_embeddings=m["context"], bos_token_id=1,
                         eos_token_id=m["eos"], pad_token_id=end),
        vision_config=dict(**tower(m["image"]), image_size=m["side"], patch_size=m["patch"]),
        projection_dim=m["embed"])
    config._attn_implementation = "sdpa"  # the eager one takes its softmax in float32
    model = CLIPModel(config).double().eval()
    with torch.no_grad():  # the library's own start is so small that any mistake would hide in it
        for name, p in model.named_parameters():
            if name == "logit_scale":
                p.fill_(math.log(m["scale"]))
            elif "norm" in name or "layrnorm" in name:
                p.copy_(torch.randn_like(p) * 0.2 + (1.0 if name.endswith("weight") else 0.0))
            elif p.dim() == 1 and name.endswith("bias"):
                p.copy_(torch.randn_like(p) * 0.2)
            elif "embedding" in name and "patch" not in name:
                p.copy_(torch.randn_like(p) * 0.5)
            else:
                p.copy_(torch.randn_like(p) * (1.5 / math.sqrt(p[0].numel())))
            p.copy_(p.float().double())  # what the file holds
    return model, end


def texts_of(m, end):
    """Five texts of different lengths, padded with the end token, as transformers pads."""
    rows = []
    for length in (3, m["context"], 4, 5, 3):
        words = torch.randint(8, m["vocabulary"] - 1, (length - 2,)).tolist()
        rows.append(([1] + words + [end] * m["context"])[: m["context"]])
        rows[-1][length - 1] = end
    return torch.tensor(rows)


# ---- DIKI, written plainly over the library's weights -------------------------------------------

def attention(layer, x, causal, key, value, w):
    """O = softmax(QK^T / sqrt(D)) V + w softmax(Q key^T / sqrt(D)) value, then the projection.

    x (B, N, W); key, value per row (P, W) or None; w per row."""
    a = layer.self_attn
    heads = a.num_heads
    out = []
    for b in range(x.shape[0]):
        q, k, v = a.q_proj(x[b]), a.k_proj(x[b]), a.v_proj(x[b])  # (N, W)
        joined = []
        for h in range(heads):
            d = q.shape[1] // heads
            part = slice(h * d, (h + 1) * d)
            logits = q[:, part] @ k[:, part].T / math.sqrt(d)  # (N, N)
            if causal:
                logits = logits.masked_fill(torch.ones_like(logits).triu(1).bool(), -math.inf)
            o = torch.softmax(logits, -1) @ v[:, part]
            if key[b] is not None:
                learned = torch.softmax(q[:, part] @ key[b][:, part].T / math.sqrt(d), -1)  # (N, P)
                o = o + w[b] * (learned @ value[b][:, part])
            joined.append(o)
        out.append(a.out_proj(torch.cat(joined, -1)))
    return torch.stack(out)


def layers(encoder, x, causal, keys, values, w):
    for i, layer in enumerate(encoder.layers):
        key = [k[i] if k is not None and i < len(k) else None for k in keys]
        value = [v[i] if v is not None and i < len(v) else None for v in values]
        x = x + attention(layer, layer.layer_norm1(x), causal, key, value, w)
        x = x + layer.mlp(layer.layer_norm2(x))
    return x


def image_features(model, pixels, keys, values, w):
    tower = model.vision_model
    x = tower.pre_layrnorm(tower.embeddings(pixels))
    x = layers(tower.encoder, x, False, keys, values, w)
    return F.normalize(model.visual_projection(tower.post_layernorm(x[:, 0])), dim=-1)


def text_features(model, tokens, ends, keys, values, w):
    tower = model.text_model
    x = layers(tower.encoder, tower.embeddings(tokens), True, keys, values, w)
    x = tower.final_layer_norm(x)[torch.arange(len(tokens)), ends]
    return F.normalize(model.text_projection(x), dim=-1)


def pre_training(model, pixels, captions, prompts):
    """Three steps of AdamW on everything: contrastive loss, and images 0, 2 and 3 against prompts 1
    to 3 with weight 0.5. Returns the losses and the weights afterwards."""
    model = copy.deepcopy(model)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [dict(params=decayed, weight_decay=0.05), dict(params=others, weight_decay=0.0)],
        lr=1e-2, betas=(0.9, 0.98), eps=1e-6)
    losses = []
    for _ in range(3):
        both = model(input_ids=captions, pixel_values=pixels)
        places = torch.arange(len(captions))
        contrastive = (F.cross_entropy(both.logits_per_image, places)
                       + F.cross_entropy(both.logits_per_text, places)) / 2
        compared = model(input_ids=prompts, pixel_values=pixels).logits_per_image[[0, 2, 3], 1:4]
        auxiliary = 0.5 * F.cross_entropy(compared, torch.tensor([2, 0, 1]))
        optimiser.zero_grad()
        (contrastive + auxiliary).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        losses.append(torch.stack([contrastive, auxiliary]).detach())
    out = {"pre_training.losses": torch.stack(losses)}
    for key, weight in model.state_dict().items():
        if "position_ids" not in key:
            out["pre_training." + key] = weight
    return out


# ---- prompts in the sequence, written plainly ---------------------------------------------------

def prompted(x, prompts, layer):
    """Behind the first token; a deeper layer's take the place of the layer's before."""
    if layer >= len(prompts):
        return x
    rest = x[:, 1:] if layer == 0 else x[:, 1 + prompts.shape[1]:]
    return torch.cat([x[:, :1], prompts[layer].expand(len(x), -1, -1), rest], 1)


def prompted_layers(encoder, x, causal, prompts):
    rows = [None] * len(x)
    for i, layer in enumerate(encoder.layers):
        x = prompted(x, prompts, i) if i > 0 else x
        x = x + attention(layer, layer.layer_norm1(x), causal, rows, rows, rows)
        x = x + layer.mlp(layer.layer_norm2(x))
    return x


def prompted_image_features(model, pixels, prompts):
    tower = model.vision_model
    x = tower.pre_layrnorm(prompted(tower.embeddings(pixels), prompts, 0))
    x = prompted_layers(tower.encoder, x, False, prompts)
    return F.normalize(model.visual_projection(tower.post_layernorm(x[:, 0])), dim=-1)


def prompted_text_features(model, tokens, ends, prompts):
    tower = model.text_model
    x = prompted(tower.embeddings(tokens), prompts, 0)
    x = prompted_layers(tower.encoder, x, True, prompts)
    x = tower.final_layer_norm(x)[torch.arange(len(tokens)), ends + prompts.shape[1]]
    return F.normalize(model.text_projection(x), dim=-1)


def prompt_tuning(model, m, pixels, tokens, ends, classes):
    """Features with three prompts in each of at most two layers, and the gradients of one step."""
    prompts = [torch.randn(min(2, m[tower][2]), 3, m[tower][0]).float().double()
               for tower in ("image", "text")]
    out = {"prompts.image": prompts[0], "prompts.text": prompts[1]}
    leaves = [x.clone().requires_grad_() for x in prompts]
    images = prompted_image_features(model, pixels, leaves[0])
    texts = prompted_text_features(model, tokens, ends, leaves[1])
    loss = F.cross_entropy(model.logit_scale.exp().detach() * images @ texts.T, classes)
    gradients = torch.autograd.grad(loss, leaves)
    out["prompts.image_features"], out["prompts.text_features"] = images, texts
    out["prompts.loss"] = loss.view(1)
    out["prompts.image.gradient"], out["prompts.text.gradient"] = gradients
    return out


def divergence(original, moved):
    """Mean over the rows of the Kullback-Leibler divergence of softmax(moved) from softmax(original)."""
    rows = [F.kl_div(F.log_softmax(b, 0), F.softmax(a, 0), reduction="sum")
            for a, b in zip(original, moved)]
    return torch.stack(rows).mean()


def fine_tuning(model, m, pixels, tokens, classes):
    """Three steps of AdamW on both towers: cross-entropy with label smoothing, and ZSCL's distillation at
    temperature 2 on three other images and the features that the original model has of three texts."""
    reference = torch.randn(3, 3, m["side"], m["side"]).float().double()
    original = copy.deepcopy(model)
    model = copy.deepcopy(model)
    with torch.no_grad():
        known = original(input_ids=tokens[:3], pixel_values=reference)
    scale = model.logit_scale.exp().detach()
    optimiser = torch.optim.AdamW(
        [p for n, p in model.named_parameters() if n != "logit_scale"], lr=1e-2, weight_decay=0.0)
    losses = []
    for _ in range(3):
        both = model(input_ids=tokens, pixel_values=pixels)
        loss = F.cross_entropy(scale * both.image_embeds @ both.text_embeds.T, classes, label_smoothing=0.2)
        moved = model(input_ids=tokens[:1], pixel_values=reference).image_embeds
        student = scale * moved @ known.text_embeds.T / 2
        teacher = scale * known.image_embeds @ known.text_embeds.T / 2
        kept = 2 ** 2 * (divergence(teacher, student) + divergence(teacher.T, student.T))
        optimiser.zero_grad()
        (loss + kept).backward()
        optimiser.step()
        losses.append(torch.stack([loss, kept]).detach())
    out = {"fine_tuning.losses": torch.stack(losses), "fine_tuning.reference": reference,
           "fine_tuning.reference.image_features": known.image_embeds,
           "fine_tuning.reference.text_features": known.text_embeds}
    for key, weight in model.state_dict().items():
        if "position_ids" not in key:
            out["fine_tuning." + key] = weight
    return out


def make(name, m):
    torch.manual_seed(sorted(MODELS).index(name))
    model, end = model_of(m)
    pixels = torch.randn(4, 3, m["side"], m["side"]).double().float().double()
    tokens = texts_of(m, end)
    ends = (tokens == end).int().argmax(1)
    out = {"pixels": pixels, "tokens": tokens}
    B, K = len(pixels), len(tokens)
    with torch.no_grad():
        whole = model(input_ids=tokens, pixel_values=pixels)
        out["image_features"] = whole.image_embeds
        out["text_features"] = whole.text_embeds
        out["logits"] = whole.logits_per_image

        tasks = []
        for t, (length, image_depth, text_depth, zero) in enumerate(TASKS):
            task = []
            for tower, depth, shape in (("image", image_depth, m["image"]),
                                        ("text", text_depth, m["text"])):
                shape_ = (min(depth, shape[2]), length, shape[0])
                key = (torch.rand(shape_) * 2 - 1).double()
                value = torch.zeros(shape_).double() if zero else torch.randn(shape_).double()
                out[f"task.{t}.{tower}.keys"], out[f"task.{t}.{tower}.values"] = key, value
                task += [key, value]
            tasks.append(task)

        def image(slots, w):
            return image_features(model, pixels, [tasks[s][0] for s in slots],
                                  [tasks[s][1] for s in slots], w)

        def text(slots, w):
            return text_features(model, tokens, ends, [tasks[s][2] for s in slots],
                                 [tasks[s][3] for s in slots], w)

        assert (image([0] * B, [0.0] * B) - whole.image_embeds).abs().max() < 1e-12
        assert (text([0] * K, [0.0] * K) - whole.text_embeds).abs().max() < 1e-12
        for t in range(len(TASKS)):
            for w in (0.0, 0.3, 1.0):
                out[f"task.{t}.w{w}.image_features"] = image([t] * B, [w] * B)
                out[f"task.{t}.w{w}.text_features"] = text([t] * K, [w] * K)
        slots, w = [1, 0, 2, 1], [0.25, 1.0, 0.5, 0.0]
        out["mixed.image.slots"], out["mixed.image.weights"] = torch.tensor(slots), torch.tensor(w)
        out["mixed.image_features"] = image(slots, w)
        slots, w = [0, 1, 1, 0, 2], [1.0, 0.75, 0.0, 0.125, 1.0]
        out["mixed.text.slots"], out["mixed.text.weights"] = torch.tensor(slots), torch.tensor(w)
        out["mixed.text_features"] = text(slots, w)

    # Gradients of one step: all five texts are classes, every row at w = 1.
    classes = torch.tensor([1, 0, 4, 2])
    out["classes"] = classes
    for t, task in enumerate(tasks):
        leaves = [x.clone().requires_grad_() for x in task]
        images = image_features(model, pixels, [leaves[0]] * B, [leaves[1]] * B, [1.0] * B)
        texts = text_features(model, tokens, ends, [leaves[2]] * K, [leaves[3]] * K, [1.0] * K)
        logits = model.logit_scale.exp().detach() * images @ texts.T
        loss = F.cross_entropy(logits, classes)
        gradients = torch.autograd.grad(loss, leaves)
        out[f"task.{t}.loss"] = loss.detach().view(1)
        for part, gradient in zip(("image.keys", "image.values", "text.keys", "text.values"), gradients):
            out[f"task.{t}.{part}.gradient"] = gradient

    if name == "one-layer":
        out.update(pre_training(model, pixels, tokens[:4], tokens))
        out.update(fine_tuning(model, m, pixels, tokens, classes))
    out.update(prompt_tuning(model, m, pixels, tokens, ends, classes))

    directory = HERE / name
    directory.mkdir(exist_ok=True)
    cast = lambda tensors: {k: (v if v.dtype == torch.int64 else v.float()).contiguous().detach()
                            for k, v in tensors.items()}
    save_file(cast({k: v for k, v in model.state_dict().items() if "position_ids" not in k}),
              directory / "model.safetensors")
    save_file(cast(out), directory / "expected.safetensors")
    config = model.config.to_dict()
    keep = ("hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size", "hidden_act",
            "layer_norm_eps", "vocab_size", "max_position_embeddings", "bos_token_id", "eos_token_id",
            "image_size", "patch_size", "projection_dim")
    slim = {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": m["embed"]}
    for tower in ("text_config", "vision_config"):
        slim[tower] = {k: config[tower][k] for k in keep if k in config[tower]}
    (directory / "config.json").write_text(json.dumps(slim, indent=2) + "\n")


for name, m in MODELS.items():
    make(name, m)
    print(name, sum(f.stat().st_size for f in (HERE / name).iterdir()), "bytes", file=sys.stderr)
