"""Writes python.safetensors; reads java.safetensors back. See README.md."""
import sys, torch
from safetensors.torch import save_file, load_file

here = sys.argv[1]
base = torch.arange(-6, 6, dtype=torch.float64) / 3
tensors = {
    "a.f32": base.to(torch.float32).reshape(3, 4),
    "b.f16": torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6.1e-5, 5.96e-8, float("inf")], dtype=torch.float16),
    "c.bf16": base.to(torch.bfloat16).reshape(2, 6),
    "d.f64": base,
    "e.i64": torch.tensor([-(2**63), -1, 0, 2**63 - 1]),
    "f.scalar": torch.tensor(4.25),
    "g.empty": torch.zeros(0, 7),
    "h.u8": torch.arange(5, dtype=torch.uint8),
    "ünïcode \U0001f600": torch.tensor([1.5]),
}
save_file(tensors, f"{here}/python.safetensors", metadata={"format": "pt", "quote": 'a "b" \\ é'})
for name, tensor in sorted(load_file(f"{here}/java.safetensors").items()):
    expected = tensors[name]
    assert tensor.dtype == expected.dtype and tensor.shape == expected.shape, name
    assert torch.equal(tensor, expected), name
print("java.safetensors: as expected")
