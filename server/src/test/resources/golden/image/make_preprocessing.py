"""Writes preprocessing.safetensors: pictures, and what transformers' CLIPImageProcessorPil makes of them. See README.md."""
import sys
import numpy as np, torch
from PIL import Image
from safetensors.torch import save_file
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

here = sys.argv[1]
rng = np.random.default_rng(11)
# width, height, resize, crop
cases = [
    (45, 31, 32, 32), (31, 45, 32, 32), (32, 32, 32, 32), (64, 48, 32, 32), (100, 7, 32, 32), (7, 100, 32, 32), (1, 1, 32, 32),
    (1, 300, 16, 16), (300, 1, 16, 16), (3000, 2, 16, 16), (33, 20, 20, 32), (20, 33, 21, 32), (20, 20, 21, 32), (50, 40, 40, 32),
    (50, 41, 41, 32), (33, 33, 64, 64), (120, 90, 17, 17), (97, 131, 36, 31), (60, 50, 5, 12),
]
tensors = {}
for width, height, resize, crop in cases:
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([x * 5.5, y * 8, 128 + 100 * np.sin(x / 4) * np.cos(y / 5)], -1) % 256
    noise = rng.integers(0, 256, (height, width, 3))
    picture = np.where(rng.random((height, width, 1)) < 0.3, noise, smooth).astype(np.uint8)
    picture[: height // 3, : width // 3] = np.where(rng.random((height // 3, width // 3, 1)) < 0.5, 0, 255)  # overshoots
    name = f"{width}x{height}_{resize}_{crop}"
    processor = CLIPImageProcessorPil(size={"shortest_edge": resize}, crop_size={"height": crop, "width": crop})
    image = Image.fromarray(picture)
    bytes_only = processor(image, do_rescale=False, do_normalize=False)["pixel_values"][0]
    pixels = processor(image)["pixel_values"][0]
    tensors[name + "/picture"] = torch.from_numpy(picture)
    tensors[name + "/crop"] = torch.from_numpy(np.ascontiguousarray(np.asarray(bytes_only).transpose(1, 2, 0))).to(torch.uint8)
    assert np.asarray(pixels).dtype == np.float32
    tensors[name + "/pixels"] = torch.from_numpy(np.ascontiguousarray(pixels))
save_file(tensors, f"{here}/preprocessing.safetensors")
