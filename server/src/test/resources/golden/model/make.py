"""Writes small CLIPModel directories with random weights, in several forms. See README.md."""
import json, os, shutil, sys
import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

here = sys.argv[1]
torch.manual_seed(3)
vocab = {}
for symbol in [*"abcdefghijklmnopqrstuvwxyz"]:
    vocab[symbol] = len(vocab)
    vocab[symbol + "</w>"] = len(vocab)
merges = [("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>"), ("r", "e"), ("re", "d</w>")]
for left, right in merges:
    vocab[left + right] = len(vocab)
vocab["<|startoftext|>"] = len(vocab)
vocab["<|endoftext|>"] = len(vocab)
size = len(vocab)
config = CLIPConfig(
    projection_dim=12,
    text_config=dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, vocab_size=size,
                     max_position_embeddings=10, bos_token_id=size - 2, eos_token_id=size - 1, pad_token_id=size - 1),
    vision_config=dict(hidden_size=20, intermediate_size=28, num_hidden_layers=3, num_attention_heads=4, image_size=12, patch_size=4),
)
model = CLIPModel(config).eval()
for parameter in model.parameters():
    parameter.data = torch.randn_like(parameter) * 0.3
    parameter.data = parameter.data.to(torch.bfloat16).to(torch.float16).to(torch.float32)  # the same in every type


def common(name, with_config=True):
    directory = f"{here}/{name}"
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    json.dump(vocab, open(f"{directory}/vocab.json", "w"))
    open(f"{directory}/merges.txt", "w").write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    if with_config:
        config.save_pretrained(directory)
        json.dump({"size": {"shortest_edge": 12}, "crop_size": {"height": 12, "width": 12}, "resample": 3, "do_resize": True,
                   "image_mean": [0.5, 0.25, 0.125], "image_std": [0.25, 0.5, 1.0]}, open(f"{directory}/preprocessor_config.json", "w"))
    return directory


plain = common("fp32")
model.save_pretrained(plain)
os.path.exists(f"{plain}/generation_config.json") and os.remove(f"{plain}/generation_config.json")
weights = {k: v.contiguous() for k, v in model.state_dict().items()}

sharded = common("sharded")
model.save_pretrained(sharded, max_shard_size="20KB")
assert os.path.exists(f"{sharded}/model.safetensors.index.json")

for name, dtype in [("fp16", torch.float16), ("bf16", torch.bfloat16)]:
    tensors = {k: v.to(dtype) for k, v in weights.items()}
    tensors["text_model.embeddings.position_ids"] = torch.arange(10).reshape(1, 10)  # as old checkpoints have it
    tensors["vision_model.embeddings.position_ids"] = torch.arange(10).reshape(1, 10)
    save_file(tensors, f"{common(name)}/model.safetensors")


def openai(weights):
    """Hugging Face's conversion script, backwards."""
    out = {"logit_scale": weights["logit_scale"], "text_projection": weights["text_projection.weight"].T.contiguous(),
           "visual.proj": weights["visual_projection.weight"].T.contiguous(),
           "visual.class_embedding": weights["vision_model.embeddings.class_embedding"],
           "visual.conv1.weight": weights["vision_model.embeddings.patch_embedding.weight"],
           "visual.positional_embedding": weights["vision_model.embeddings.position_embedding.weight"],
           "positional_embedding": weights["text_model.embeddings.position_embedding.weight"],
           "token_embedding.weight": weights["text_model.embeddings.token_embedding.weight"]}
    for kind in ("weight", "bias"):
        out[f"visual.ln_pre.{kind}"] = weights[f"vision_model.pre_layrnorm.{kind}"]
        out[f"visual.ln_post.{kind}"] = weights[f"vision_model.post_layernorm.{kind}"]
        out[f"ln_final.{kind}"] = weights[f"text_model.final_layer_norm.{kind}"]
        for ours, theirs, layers in (("", "text_model", 2), ("visual.", "vision_model", 3)):
            for i in range(layers):
                to, of = f"{ours}transformer.resblocks.{i}.", f"{theirs}.encoder.layers.{i}."
                out[f"{to}attn.in_proj_{kind}"] = torch.cat([weights[f"{of}self_attn.{p}_proj.{kind}"] for p in "qkv"])
                for a, b in [("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("attn.out_proj", "self_attn.out_proj"),
                             ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")]:
                    out[f"{to}{a}.{kind}"] = weights[f"{of}{b}.{kind}"]
    return {k: v.contiguous() for k, v in out.items()}


named = openai(weights)
named |= {"input_resolution": torch.tensor(12), "context_length": torch.tensor(10), "vocab_size": torch.tensor(size)}
save_file(named, f"{common('openai')}/model.safetensors")

open_clip = common("open_clip", with_config=False)
custom = openai(weights)
text = ("transformer.", "token_embedding", "positional_embedding", "ln_final", "text_projection")
custom = {("text." + k if k.startswith(text) else k): v for k, v in custom.items()}
custom["text.attn_mask"] = torch.zeros(10, 10)
save_file(custom, f"{open_clip}/open_clip_model.safetensors")
json.dump({"model_cfg": {"embed_dim": 12, "quick_gelu": True,
                         "vision_cfg": {"image_size": 12, "layers": 3, "width": 20, "head_width": 5, "mlp_ratio": 1.4, "patch_size": 4},
                         "text_cfg": {"context_length": 10, "vocab_size": size, "width": 16, "heads": 2, "layers": 2, "mlp_ratio": 1.5}},
           "preprocess_cfg": {"mean": [0.5, 0.25, 0.125], "std": [0.25, 0.5, 1.0], "interpolation": "bicubic", "resize_mode": "shortest"}},
          open(f"{open_clip}/open_clip_config.json", "w"))
