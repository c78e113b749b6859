"""Writes files/* and decoded.safetensors (what Pillow decodes them to). See README.md."""
import glob, io, os, struct, sys, zlib
import numpy as np, torch
from PIL import Image
from safetensors.torch import save_file

here, icc_profile = sys.argv[1], sys.argv[2]
out = lambda name: f"{here}/files/{name}"
rng = np.random.default_rng(7)
H, W = 31, 45
y, x = np.mgrid[0:H, 0:W]
base = np.stack([x * 5.5, y * 8, 128 + 100 * np.sin(x / 4) * np.cos(y / 5)], -1)
base[8:20, 10:30] = [230, 40, 20]
base[14:28, 25:40] = [20, 60, 220]
base = np.clip(base + rng.normal(0, 6, base.shape), 0, 255).astype(np.uint8)
alpha = np.clip(x * 6, 0, 255).astype(np.uint8)
image = Image.fromarray(base)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, samples, depth, colour, palette=None, interlace=False, extra=b""):
    """A PNG writer for the kinds that Pillow cannot write. samples: (h, w, bands) of int."""
    h, w, _ = samples.shape

    def rows(part):
        data = b""
        for row in part:
            if depth == 16:
                data += b"\0" + row.astype(">u2").tobytes()
            elif depth == 8:
                data += b"\0" + row.astype(np.uint8).tobytes()
            else:
                bits = "".join(format(v, f"0{depth}b") for v in row.ravel())
                bits += "0" * (-len(bits) % 8)
                data += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        return data

    if interlace:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        data = b"".join(rows(samples[y0::dy, x0::dx]) for y0, x0, dy, dx in passes if samples[y0::dy, x0::dx].size)
    else:
        data = rows(samples)
    header = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlace))
    body = chunk(b"IHDR", header) + extra
    if palette is not None:
        body += chunk(b"PLTE", palette)
    packed = zlib.compress(data)
    half = len(packed) // 2
    body += chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b"")
    open(out(name), "wb").write(b"\x89PNG\r\n\x1a\n" + body)


def bmp(name, bits, rows, masks=b"", compression=0, top_down=False, palette=b""):
    head = struct.pack("<IiiHHIIiiII", 40, W, -H if top_down else H, 1, bits, compression, len(rows), 0, 0, 0, 0)
    offset = 14 + 40 + len(masks) + len(palette)
    open(out(name), "wb").write(b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + head + masks + palette + rows)


def jpeg(**options):
    buffer = io.BytesIO()
    options.pop("image", image).save(buffer, "JPEG", **options)
    return bytearray(buffer.getvalue())


def write(name, data):
    open(out(name), "wb").write(bytes(data))


# JPEG
write("rgb444.jpg", jpeg(quality=92, subsampling=0))
write("rgb420.jpg", jpeg(quality=85, subsampling=2))
write("rgb422.jpg", jpeg(quality=85, subsampling=1))
write("progressive420.jpg", jpeg(quality=85, subsampling=2, progressive=True))
write("progressive444.jpg", jpeg(quality=85, subsampling=0, progressive=True))
write("restart.jpg", jpeg(quality=85, subsampling=0, restart_marker_blocks=3))
write("adobe_rgb.jpg", jpeg(quality=90, keep_rgb=True))
write("grey.jpg", jpeg(image=image.convert("L"), quality=90))
exif = Image.Exif()
exif[0x0112] = 6
write("orientation6.jpg", jpeg(quality=92, subsampling=0, exif=exif))
write("linear_profile.jpg", jpeg(quality=92, subsampling=0, icc_profile=open(icc_profile, "rb").read()))
cmyk_samples = np.concatenate([255 - base, (rng.integers(0, 120, (H, W, 1))).astype(np.uint8)], -1)
cmyk = jpeg(image=Image.frombytes("CMYK", (W, H), cmyk_samples.tobytes()), quality=92)
write("cmyk.jpg", cmyk)
at = cmyk.find(b"Adobe")
ycck = bytearray(cmyk)
ycck[at + 11] = 2
write("ycck.jpg", ycck)
without = bytearray(cmyk)
del without[at - 4 : at + 12]
write("cmyk_no_adobe.jpg", without)
plain = jpeg(quality=92, subsampling=0)
size = struct.unpack(">H", plain[4:6])[0]
assert plain[2:4] == b"\xff\xe0"
write("no_jfif444.jpg", plain[:2] + plain[4 + size :])


def with_ids(data, ids):
    """The same JPEG with other component ids, in the frame and in the scan."""
    data = bytearray(data)
    frame = data.index(b"\xff\xc0")
    scan = data.index(b"\xff\xda")
    for i, name in enumerate(ids):
        data[frame + 10 + 3 * i] = name
        data[scan + 5 + 2 * i] = name
    return data


# Without any marker libjpeg takes strange ids for YCbCr; ids of RGB for RGB; with Adobe's marker its transform says it.
write("ids012.jpg", with_ids(plain[:2] + plain[4 + size :], (0, 1, 2)))
bare_rgb = jpeg(quality=90, keep_rgb=True)
at = bare_rgb.find(b"Adobe")
if at >= 0:
    del bare_rgb[at - 4 : at + 12]
write("ids_rgb.jpg", with_ids(bare_rgb, b"RGB"))
adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0"
write("adobe_rgb_ids123.jpg", with_ids(bare_rgb[:2] + adobe + b"\0" + bare_rgb[2:], (1, 2, 3)))
write("adobe_ycc_ids_rgb.jpg", with_ids(plain[:2] + adobe + b"\1" + plain[4 + size :], b"RGB"))

# PNG
image.save(out("rgb.png"))
Image.fromarray(np.dstack([base, alpha]), "RGBA").save(out("rgba.png"))
image.convert("L").save(out("grey.png"))
Image.merge("LA", [image.convert("L"), Image.fromarray(alpha)]).save(out("grey_alpha.png"))
image.quantize(17).save(out("palette.png"))
image.quantize(6).save(out("palette_transparent.png"), transparency=2)
image.convert("1").save(out("bilevel.png"))
wide = base.astype(np.int64) * 256 + rng.integers(0, 256, base.shape)
png("rgb16.png", wide, 16, 2)
png("rgba16.png", np.dstack([wide, alpha.astype(np.int64) * 257]), 16, 6)
png("grey16.png", wide[..., :1], 16, 0)
png("grey_alpha16.png", np.dstack([wide[..., 0], alpha.astype(np.int64) * 257]), 16, 4)
png("grey2.png", (base[..., :1] >> 6).astype(int), 2, 0)
png("grey4.png", (base[..., :1] >> 4).astype(int), 4, 0)
png("palette2.png", (base[..., :1] >> 6).astype(int), 2, 3, palette=bytes([9, 8, 7, 255, 0, 0, 0, 255, 0, 20, 40, 255]))
png("interlaced.png", base, 8, 2, interlace=True)
png("gamma.png", base, 8, 2, extra=chunk(b"gAMA", struct.pack(">I", 100000)))
png("colour_key.png", base, 8, 2, extra=chunk(b"tRNS", struct.pack(">HHH", *map(int, base[0, 0]))))
png("one_pixel.png", base[:1, :1], 8, 2)

# GIF
quantized = image.quantize(32)
quantized.save(out("plain.gif"))
quantized.save(out("interlaced.gif"), interlace=1)
frames = [image.rotate(90 * i).quantize(16) for i in range(3)]
frames[0].save(out("animated.gif"), save_all=True, append_images=frames[1:], duration=50, loop=0)
quantized.save(out("transparent.gif"), transparency=5)
# The first frame covers a part of the screen only.
part = bytearray(open(out("plain.gif"), "rb").read())
struct.pack_into("<HH", part, 6, W + 7, H + 5)
frame = part.index(b"\x2c", 13 + 3 * 32)
struct.pack_into("<HH", part, frame + 1, 4, 3)
write("part.gif", part)
part = bytearray(open(out("transparent.gif"), "rb").read())
struct.pack_into("<HH", part, 6, W + 2, H)
frame = part.index(b"\x2c\0\0\0\0", 13 + 3 * 32)
struct.pack_into("<HH", part, frame + 1, 2, 0)
write("part_transparent.gif", part)

# BMP
image.save(out("rgb24.bmp"))
quantized.save(out("palette8.bmp"))
image.convert("1").save(out("bilevel.bmp"))
image.convert("L").save(out("grey.bmp"))
flipped = base[::-1, :, ::-1]
pad = lambda row: row + b"\0" * (-len(row) % 4)
bmp("rgb32.bmp", 32, np.dstack([flipped, alpha]).tobytes())
bmp("top_down.bmp", 24, b"".join(pad(row.tobytes()) for row in base[:, :, ::-1]), top_down=True)
c = base[::-1].astype(np.uint16)
bmp("rgb555.bmp", 16, b"".join(pad(r.tobytes()) for r in (c[..., 0] >> 3 << 10 | c[..., 1] >> 3 << 5 | c[..., 2] >> 3)))
bmp("rgb565.bmp", 16, b"".join(pad(r.tobytes()) for r in (c[..., 0] >> 3 << 11 | c[..., 1] >> 2 << 5 | c[..., 2] >> 3)),
    masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F), compression=3)

decoded = {}
for path in sorted(glob.glob(out("*"))):
    with Image.open(path) as opened:
        name = os.path.basename(path)
        decoded[name] = torch.from_numpy(np.array(opened.convert("RGB")))
        if name == "grey16.png":  # Pillow clips here (255 for all above 255); we take the high byte as everywhere else
            decoded[name] = torch.from_numpy(np.repeat(np.array(opened) >> 8, 3, axis=-1).reshape(H, W, 3).astype(np.uint8))
        print(name, opened.mode, opened.size, os.path.getsize(path), "max diff to base",
              int(np.abs(np.array(opened.convert("RGB"))[:H, :W].astype(int) - base).max()) if opened.size == (W, H) else "")
save_file(decoded, f"{here}/decoded.safetensors")
