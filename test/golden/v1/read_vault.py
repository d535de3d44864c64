#!/usr/bin/env python3
"""An independent reader of vault format v1, written from docs/vault-format.md alone; it shares no code with src/vault.

    read_vault.py <vault folder> <key file or age identity> [<folder for raw images>]

Proves every document, map, segment, pack and block of every committed point, rebuilds each volume and prints one JSON
object: {"points": {pointId: {volumeId: sha256 of the raw image}}, "fences": [...], "evidence": {...}, ...}.
Only Python's standard library and two libraries that every Debian has: libcrypto (AES-GCM, Ed25519) and libzstd.
"""
import base64
import ctypes
import hashlib
import hmac
import json
import os
import re
import struct
import sys
import uuid

BLOCK = 524288
SEGMENT_BLOCKS = 8192
crypto = ctypes.CDLL("libcrypto.so.3")
zstd = ctypes.CDLL("libzstd.so.1")
for name in (
    "EVP_CIPHER_CTX_new",
    "EVP_aes_256_gcm",
    "EVP_chacha20_poly1305",
    "EVP_PKEY_new_raw_public_key",
    "EVP_PKEY_new_raw_private_key",
    "EVP_PKEY_CTX_new",
    "EVP_MD_CTX_new",
):
    getattr(crypto, name).restype = ctypes.c_void_p
zstd.ZSTD_decompress.restype = ctypes.c_size_t
zstd.ZSTD_isError.argtypes = [ctypes.c_size_t]


SIGNED = ("keys", "fence", "attestation", "tombstone", "hold", "release", "gc-plan", "gc-page", "gc-report")


class Damaged(Exception):
    pass


def must(ok, what):
    if not ok:
        raise Damaged(what)


def aes_gcm_open(key, nonce, aad, sealed, what):
    return aead_open(crypto.EVP_aes_256_gcm(), key, nonce, aad, sealed, what)


def aead_open(cipher, key, nonce, aad, sealed, what):
    must(len(sealed) >= 16, f"{what}: too short for a tag")
    body, tag = sealed[:-16], sealed[-16:]
    ctx = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out, n = ctypes.create_string_buffer(len(body) + 16), ctypes.c_int()
    try:
        crypto.EVP_DecryptInit_ex(ctx, ctypes.c_void_p(cipher), None, key, nonce)
        crypto.EVP_DecryptUpdate(ctx, None, ctypes.byref(n), aad, len(aad))
        crypto.EVP_DecryptUpdate(ctx, out, ctypes.byref(n), body, len(body))
        crypto.EVP_CIPHER_CTX_ctrl(ctx, 0x11, 16, tag)
        last = ctypes.c_int()
        ok = crypto.EVP_DecryptFinal_ex(ctx, ctypes.byref(out, n.value), ctypes.byref(last))
    finally:
        crypto.EVP_CIPHER_CTX_free(ctx)
    must(ok == 1, f"{what}: does not open")
    return out.raw[: len(body)]


def ed25519_ok(public, signature, message):
    key = ctypes.c_void_p(crypto.EVP_PKEY_new_raw_public_key(1087, None, public, ctypes.c_size_t(32)))
    ctx = ctypes.c_void_p(crypto.EVP_MD_CTX_new())
    try:
        crypto.EVP_DigestVerifyInit(ctx, None, None, None, key)
        size = ctypes.c_size_t
        return crypto.EVP_DigestVerify(ctx, signature, size(len(signature)), message, size(len(message))) == 1
    finally:
        crypto.EVP_MD_CTX_free(ctx)
        crypto.EVP_PKEY_free(key)


def x25519(private, public):
    size = ctypes.c_size_t
    ours = ctypes.c_void_p(crypto.EVP_PKEY_new_raw_private_key(1034, None, private, size(32)))
    theirs = ctypes.c_void_p(crypto.EVP_PKEY_new_raw_public_key(1034, None, public, size(32)))
    ctx, out, length = ctypes.c_void_p(crypto.EVP_PKEY_CTX_new(ours, None)), ctypes.create_string_buffer(32), size(32)
    crypto.EVP_PKEY_derive_init(ctx)
    crypto.EVP_PKEY_derive_set_peer(ctx, theirs)
    must(crypto.EVP_PKEY_derive(ctx, out, ctypes.byref(length)) == 1, "X25519")
    public_half = ctypes.create_string_buffer(32)
    crypto.EVP_PKEY_get_raw_public_key(ours, public_half, ctypes.byref(size(32)))
    return out.raw, public_half.raw


def bech32(text):
    values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(c) for c in text.lower().rsplit("1", 1)[1]][:-6]
    bits = "".join(f"{v:05b}" for v in values)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))


def age_open(identity, data, what):
    """One X25519 recipient, one chunk: https://age-encryption.org/v1."""
    header, rest = data.split(b"\n--- ", 1)
    lines = header.split(b"\n")
    must(lines[0] == b"age-encryption.org/v1" and lines[1].startswith(b"-> X25519 "), f"{what}: age header")
    unpadded = lambda text: base64.b64decode(text + b"=" * (-len(text) % 4))
    share, body = unpadded(lines[1].split(b" ")[2]), unpadded(b"".join(lines[2:]))
    tag, payload = rest.split(b"\n", 1)
    shared, own = x25519(identity, share)
    chacha = crypto.EVP_chacha20_poly1305()
    wrap_key = hkdf(shared, share + own, b"age-encryption.org/v1/X25519")
    file_key = aead_open(chacha, wrap_key, bytes(12), b"", body, what)
    mac_key = hkdf(file_key, b"", b"header")
    must(hmac.compare_digest(mac(mac_key, header + b"\n---"), unpadded(tag)), f"{what}: age header mac")
    payload_key = hkdf(file_key, payload[:16], b"payload")
    return aead_open(chacha, payload_key, bytes(11) + b"\x01", b"", payload[16:], what)


def unzstd(frame, size, what):
    out = ctypes.create_string_buffer(max(size, 1))
    n = zstd.ZSTD_decompress(out, ctypes.c_size_t(size), frame, ctypes.c_size_t(len(frame)))
    must(not zstd.ZSTD_isError(n) and n == size, f"{what}: not one zstd frame of {size} bytes")
    return out.raw[:size]


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf(root, salt, info):
    return mac(mac(salt, root), info + b"\x01")  # RFC 5869, one output block of 32 bytes


def field(text, size):
    raw = text.encode("ascii")
    must(len(raw) <= size, f"{text} is too long")
    return raw.ljust(size, b"\0")


def unfield(raw):
    text = raw.rstrip(b"\0")
    must(b"\0" not in text, "text goes on after its end")
    return text.decode("ascii")


class Vault:
    def __init__(self, folder, key_file):
        self.folder = folder
        with open(key_file) as file:
            line = [line.strip() for line in file if line.strip() and not line.startswith("#")][0]
        self.kind = "age" if line.startswith("AGE-SECRET-KEY-1") else "file"
        self.key = bech32(line) if self.kind == "age" else bytes.fromhex(line)
        body = json.loads(self.read("vault.json"))["body"]
        must(body["formatVersion"] == 1 and body["blockBytes"] == BLOCK, "vault.json: another format")
        must(body["features"]["read"] == [], "vault.json: unknown features")
        self.id = uuid.UUID(body["vaultId"]).bytes
        self.control, self.data, self.meta = {}, {}, {}
        signer, epoch = bytes.fromhex(body["controlPublicKey"]), 1
        while os.path.exists(os.path.join(folder, f"keys/{epoch}.json")):
            self.control[epoch] = signer
            keys = self.document(f"keys/{epoch}.json", "keys")
            signer = self.control[epoch] = bytes.fromhex(keys["controlPublicKey"])
            epoch += 1
        for known in range(1, epoch):
            for purpose, roots in (("data", self.data), ("meta", self.meta)):
                roots[known] = self.root(known, purpose)
        self.document("vault.json", "vault")
        for known in range(1, epoch):
            for key in self.further(known):
                self.document(key, "keys")

    def further(self, epoch):
        n = 2
        while os.path.exists(os.path.join(self.folder, f"keys/{epoch}-{n}.json")):
            yield f"keys/{epoch}-{n}.json"
            n += 1

    def root(self, epoch, purpose):
        for key in (f"keys/{epoch}.json", *self.further(epoch)):
            for wrap in self.document(key, "keys")["roots"][purpose]:
                if wrap["recipient"]["kind"] == self.kind:
                    return self.unwrap(base64.b64decode(wrap["wrapped"]), epoch, purpose)
        raise Damaged(f"no {self.kind} wrap of the {purpose} root of epoch {epoch}")

    def unwrap(self, raw, epoch, purpose):
        if self.kind == "file":
            aad = b"understudy/v1/wrap\n" + self.id + purpose.encode()
            return aes_gcm_open(self.key, raw[:12], aad, raw[12:], f"{purpose} root")
        text = age_open(self.key, raw, f"{purpose} root").decode()
        head = f"understudy/v1/root\nvault {uuid.UUID(bytes=self.id)}\nepoch {epoch}\npurpose {purpose}\nroot "
        must(text.startswith(head) and len(text) == len(head) + 65, f"{purpose} root of epoch {epoch}: another root")
        return bytes.fromhex(text[len(head) :].strip())

    def derive(self, root, name):
        return hkdf(root, self.id, b"understudy/v1/" + name.encode())

    def read(self, key):
        with open(os.path.join(self.folder, key), "rb") as file:
            data = file.read()
        named = re.search(r"([0-9a-f]{64})\.(?:pack|seg|map)$", key)
        must(not named or hashlib.sha256(data).hexdigest() == named[1], f"{key}: content does not match its name")
        return data

    def keys_below(self, prefix):
        for path, _, names in sorted(os.walk(os.path.join(self.folder, prefix))):
            yield from (os.path.relpath(os.path.join(path, name), self.folder) for name in sorted(names))

    def document(self, key, kind):
        data = self.read(key)
        must(len(data) <= 262144, f"{key}: too large")
        head = re.match(rb'\{"format":"understudy\.([a-z-]+)/1","epoch":([1-9][0-9]*),"body":', data)
        tail = re.search(rb'\n,"(mac|signature)":"([0-9a-f]+)"\}\n\Z', data)
        must(head and tail, f"{key}: not an understudy document")
        must(head[1].decode() == kind, f"{key}: is a {head[1].decode()}")
        epoch, covered = int(head[2]), data[: tail.start() + 1]
        message = b"understudy/v1/json\n" + self.id + key.encode() + b"\n" + covered
        proof = bytes.fromhex(tail[2].decode())
        if kind in SIGNED:
            must(tail[1] == b"signature" and ed25519_ok(self.control[epoch], proof, message), f"{key}: signature")
        else:
            key_bytes = self.derive(self.meta[epoch], "json-mac")
            must(tail[1] == b"mac" and hmac.compare_digest(mac(key_bytes, message), proof), f"{key}: mac")
        return json.loads(data)["body"]

    def frame(self, key, magic, run_id, name, roots, label):
        data = self.read(key)
        version, flags, epoch, sealed = struct.unpack_from("<HHII", data, 8)
        must(data[:8] == magic and (version, flags) == (1, 0), f"{key}: header")
        must(len(data) == 32 + sealed, f"{key}: length")
        aad = data[:32] + self.id + field(run_id, 32) + field(name, 128)
        return aes_gcm_open(self.derive(roots[epoch], label), data[20:32], aad, data[32:], key)

    def segment(self, run_id, segment_id):
        raw = self.frame(f"runs/{run_id}/segments/{segment_id}.seg", b"USSEGM1\n", run_id, "", self.meta, "segment")
        index, blocks, stored, packs, reserved = struct.unpack_from("<IIIHH", raw)
        must(reserved == 0 and len(raw) == 1040 + 72 * packs + 42 * stored, "segment: length")
        table = []
        for i in range(packs):
            row = raw[1040 + 72 * i : 1112 + 72 * i]
            table.append((unfield(row[:32]), row[32:64].hex(), *struct.unpack("<II", row[64:])))
        at = 1040 + 72 * packs
        refs = struct.unpack_from(f"<{stored}H", raw, at)
        offsets = struct.unpack_from(f"<{stored}I", raw, at + 2 * stored)
        sizes = struct.unpack_from(f"<{stored}I", raw, at + 6 * stored)
        ids = raw[at + 10 * stored :]
        present = [i for i in range(SEGMENT_BLOCKS) if raw[16 + i // 8] >> (i % 8) & 1]
        must(len(present) == stored and all(i < blocks for i in present), "segment: presence")
        entries = {
            position: (table[refs[i]], offsets[i], sizes[i] & 0xFFFFFF, sizes[i] >> 24, ids[32 * i : 32 * i + 32])
            for i, position in enumerate(present)
        }
        return index, blocks, entries

    def block(self, entry, index):
        (run_id, pack_id, epoch, pack_bytes), offset, size, codec, block_id = entry
        key = f"runs/{run_id}/packs/{pack_id}.pack"
        pack = self.read(key)
        must(len(pack) == pack_bytes, f"{key}: length")
        must((index, offset, size, codec, block_id) in self.trailer(key, pack, run_id), f"{key}: trailer")
        sealed = pack[offset : offset + size]
        aad = b"USPACK1\n" + self.id + block_id + struct.pack("<IB", BLOCK, codec)
        block_key = mac(self.derive(self.data[epoch], "block"), block_id)
        payload = aes_gcm_open(block_key, sealed[:12], aad, sealed[12:], f"{key} block {index}")
        plain = unzstd(payload, BLOCK, key) if codec == 1 else payload
        must(len(plain) == BLOCK, f"{key} block {index}: length")
        id_key = self.derive(self.data[1], "block-id")
        must(mac(id_key, hashlib.sha256(plain).digest()) == block_id, f"{key} block {index}: content")
        return plain

    def trailer(self, key, pack, run_id):
        tail = pack[-24:]
        size, version, flags, epoch, reserved = struct.unpack("<IHHII", tail[:16])
        must(tail[16:] == pack[:8] == b"USPACK1\n" and (version, flags, reserved) == (1, 0, 0), f"{key}: tail")
        sealed = pack[-24 - size : -24]
        aad = b"USPACK1\n" + self.id + field(run_id, 32) + tail
        raw = aes_gcm_open(self.derive(self.meta[epoch], "trailer"), sealed[:12], aad, sealed[12:], f"{key} trailer")
        entries, block_bytes = struct.unpack_from("<II", raw)
        must(block_bytes == BLOCK and len(raw) == 72 + 45 * entries, f"{key}: trailer length")
        return {
            (*struct.unpack_from("<IIIB", raw, 72 + 45 * i), raw[85 + 45 * i : 117 + 45 * i]) for i in range(entries)
        }

    def volume(self, volume, out):
        """Writes the raw image to `out` (or nowhere) and returns its SHA-256."""
        ref, volume_id = volume["map"], volume["volumeId"]
        key = f"runs/{ref['runId']}/maps/{volume_id}-{ref['mapId']}.map"
        raw = self.frame(key, b"USMAP01\n", ref["runId"], volume_id, self.meta, "map")
        volume_bytes, block_bytes, segments, stored, _, digest, packs, reserved = struct.unpack_from("<QIIQQ32sII", raw, 64)
        must(unfield(raw[:64]) == volume_id and block_bytes == BLOCK and reserved == 0, f"{key}: head")
        must(len(raw) == 136 + 72 * segments + 80 * packs, f"{key}: length")
        blocks = -(-volume_bytes // BLOCK)
        ids, image, count = hashlib.sha256(), hashlib.sha256(), 0
        for number in range(segments):
            row = raw[136 + 72 * number : 208 + 72 * number]
            here = min(SEGMENT_BLOCKS, blocks - number * SEGMENT_BLOCKS)
            entries = {}
            if any(row):
                index, size, entries = self.segment(unfield(row[:32]), row[32:64].hex())
                must((index, size) == (number, here), f"{key}: segment {number}")
            for position in range(here):
                entry = entries.get(position)
                plain = self.block(entry, number * SEGMENT_BLOCKS + position) if entry else bytes(BLOCK)
                ids.update(entry[4] if entry else bytes(32))
                image.update(plain)
                count += entry is not None
                if out:
                    out.write(plain) if entry else out.seek(BLOCK, os.SEEK_CUR)
        must(ids.digest() == digest and count == stored, f"{key}: volume digest")
        if out:
            out.truncate(volume_bytes)
        return image.hexdigest()

    def evidence(self, ref):
        key = f"runs/{ref['runId']}/evidence/{ref['name']}"
        raw = self.frame(key, b"USEVID1\n", ref["runId"], ref["name"], self.data, "evidence")
        codec, reserved, type_bytes, size = struct.unpack_from("<BBHI", raw)
        content = raw[8 + type_bytes :]
        plain = unzstd(content, size, key) if codec == 1 else content
        must(hashlib.sha256(plain).hexdigest() == ref["sha256"], f"{key}: digest")
        return plain

    def changes(self, run_id, volume_id):
        key = f"runs/{run_id}/changes/{volume_id}.chg"
        raw = self.frame(key, b"USCHNG1\n", run_id, volume_id, self.meta, "change-set")
        _, blocks, changed = struct.unpack_from("<QII", raw)
        indexes = [i for i in range(blocks) if raw[16 + i // 8] >> (i % 8) & 1]
        must(len(indexes) == changed, f"{key}: count")
        return indexes


def main(folder, key_file, images=None):
    vault = Vault(folder, key_file)
    found = {"points": {}, "fences": [], "evidence": {}, "changes": {}, "attestations": {}}
    found |= {"expired": [], "held": [], "plans": {}, "checks": 0}
    for name in sorted(os.listdir(os.path.join(folder, "points"))):
        run_id = name[: -len(".json")]
        if b'"understudy.fence/1"' in vault.read(f"points/{name}")[:40]:
            vault.document(f"points/{name}", "fence")
            found["fences"].append(run_id)
            continue
        manifest = vault.document(f"points/{name}", "commit")
        vault.document(f"runs/{run_id}/session.json", "session")
        digests = found["points"][run_id] = {}
        for volume in manifest["volumes"]:
            path = images and os.path.join(images, f"{run_id}-{volume['volumeId']}.raw")
            with open(path or os.devnull, "wb") as out:
                digests[volume["volumeId"]] = vault.volume(volume, out if path else None)
            if volume["changes"]:
                found["changes"][volume["volumeId"]] = vault.changes(run_id, volume["volumeId"])
        for ref in manifest["evidence"]:
            found["evidence"][ref["name"]] = vault.evidence(ref).decode()[:60]
        attestations = os.path.join(folder, "attestations", run_id)
        for file in sorted(os.listdir(attestations)) if os.path.isdir(attestations) else []:
            found["attestations"][run_id] = vault.document(f"attestations/{run_id}/{file}", "attestation")["verdict"]
    for key in vault.keys_below("tombstones"):
        found["expired"].append(vault.document(key, "tombstone")["pointId"])
    for key in vault.keys_below("holds"):
        release = key.replace(".json", ".release.json")
        if key.endswith(".release.json"):
            vault.document(key, "release")
        elif vault.document(key, "hold") and not os.path.exists(os.path.join(folder, release)):
            found["held"].append(key.split("/")[1])
    for key in vault.keys_below("gc"):
        if key.endswith("/plan.json"):
            plan = vault.document(key, "gc-plan")
            pages = [vault.document(f"gc/{plan['gcId']}/condemned-{n}.json", "gc-page") for n in range(plan["pages"])]
            found["plans"][plan["gcId"]] = sum(len(page["objects"]) for page in pages)
    for key in vault.keys_below("index/checks"):
        vault.document(key, "check")
        found["checks"] += 1
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Damaged as error:
        sys.exit(f"damaged: {error}")
