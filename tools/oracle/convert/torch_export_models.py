#!/usr/bin/env python3
"""Save models of torchvision, timm and transformers with torch.export, beside PyTorch's outputs.

usage: torch_export_models.py OUT [NAME...]
Each model gives OUT/NAME.pt2 as torch.export leaves it, OUT/NAME.core.pt2 after
run_decompositions, OUT/NAME.npz with in_0.. and out_0.., and OUT/NAME.onnx of PyTorch's own
exporter for comparison. Weights are seeded and random, batch norms have believable statistics;
batch and length are dynamic where the model allows it. NO_ONNX=1 leaves the last out. Nothing is
downloaded; what is there is left alone.
Made with the packages of tools/oracle/install.sh (torch 2.13.0, torchvision 0.28.0, timm 1.0.31,
transformers 5.23.0, onnxscript 0.7.2).
"""

import os
import sys
import traceback
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from export_zoo import import_torchvision  # noqa: E402


def settled(model, *inputs):
    """The model in eval mode, its batch norms with statistics of their inputs."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    generator = torch.Generator().manual_seed(1)
    for m in norms:
        if m.running_mean is not None:
            m.running_mean.copy_(torch.randn(m.running_mean.shape, generator=generator) * 0.1)
            m.running_var.copy_(torch.rand(m.running_var.shape, generator=generator) + 0.5)
    return model.eval()


def vision(name, size=64, batch=2, **options):
    def make():
        tv = import_torchvision()
        if name in ("googlenet", "inception_v3"):
            options.update(init_weights=False, aux_logits=True)
        if name.startswith(("deeplab", "fcn", "lraspp")):
            model = tv.models.get_model(
                name, weights=None, weights_backbone=None, num_classes=5, **options)
        else:
            model = tv.models.get_model(name, weights=None, **options)
        return settled(model), (torch.randn(batch, 3, size, size),), {}
    return make


def image(name, size=64, **options):
    def make():
        import timm
        model = timm.create_model(name, pretrained=False, **options)
        return settled(model), (torch.randn(2, 3, size, size),), {}
    return make


def bert():
    from transformers import BertConfig, BertModel
    config = BertConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        vocab_size=500, max_position_embeddings=64)
    ids = torch.randint(0, 500, (2, 12))
    mask = torch.ones(2, 12, dtype=torch.long)
    mask[1, 9:] = 0
    return BertModel(config).eval(), (), {"input_ids": ids, "attention_mask": mask}


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel
    config = GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=500, n_positions=64)
    config.use_cache = False
    return GPT2LMHeadModel(config).eval(), (), {"input_ids": torch.randint(0, 500, (2, 12))}


def llama():
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=128, vocab_size=500, max_position_embeddings=64)
    config.use_cache = False
    return LlamaForCausalLM(config).eval(), (), {"input_ids": torch.randint(0, 500, (2, 12))}


def video(name):
    def make():
        tv = import_torchvision()
        model = getattr(tv.models.video, name)(weights=None, num_classes=10)
        return settled(model), (torch.randn(1, 3, 4, 32, 32),), {}
    return make


def detector(name, size=96):
    def make():
        tv = import_torchvision()
        model = tv.models.get_model(name, weights=None, weights_backbone=None, num_classes=5)
        return settled(model), ([torch.rand(3, size, size)],), {}
    return make


SMALL = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128)


def text(kind, **options):
    """A model of transformers over token ids, batch and length dynamic."""
    def make():
        import transformers
        config = getattr(transformers, kind + "Config")(vocab_size=500, **options)
        config.use_cache = False
        model = getattr(transformers, kind + "Model")(config).eval()
        ids = torch.randint(0, 500, (2, 12))
        given = {"input_ids": ids}
        if getattr(config, "is_encoder_decoder", False):
            given["decoder_input_ids"] = torch.randint(0, 500, (2, 7))
        return model, (), given
    return make


def whisper_encoder():
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder
    config = WhisperConfig(
        d_model=64, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=128,
        num_mel_bins=16, max_source_positions=50)
    return WhisperEncoder(config).eval(), (torch.randn(2, 16, 100),), {}


def pixels(kind, size=32, suffix="Model", **options):
    def make():
        import transformers
        config = getattr(transformers, kind + "Config")(image_size=size, **options)
        model = getattr(transformers, kind + suffix)(config).eval()
        return model, (), {"pixel_values": torch.randn(2, 3, size, size)}
    return make


def clip():
    from transformers import CLIPConfig, CLIPModel
    config = CLIPConfig(
        text_config=dict(SMALL, vocab_size=500, max_position_embeddings=32, eos_token_id=499),
        vision_config=dict(SMALL, image_size=32, patch_size=8), projection_dim=32)
    ids = torch.randint(0, 499, (2, 12))
    ids[:, -1] = 499
    return CLIPModel(config).eval(), (), {
        "input_ids": ids, "pixel_values": torch.randn(2, 3, 32, 32)}


MODELS = {
    "resnet18": vision("resnet18"),
    "resnet50": vision("resnet50"),
    "mobilenet_v2": vision("mobilenet_v2"),
    "mobilenet_v3_small": vision("mobilenet_v3_small"),
    "efficientnet_b0": vision("efficientnet_b0"),
    "densenet121": vision("densenet121"),
    "squeezenet1_1": vision("squeezenet1_1"),
    "shufflenet_v2_x1_0": vision("shufflenet_v2_x1_0"),
    "regnet_y_400mf": vision("regnet_y_400mf"),
    "convnext_tiny": vision("convnext_tiny"),
    "vit_b_16": vision("vit_b_16", image_size=64),
    "swin_t": vision("swin_t"),
    "googlenet": vision("googlenet"),
    "inception_v3": vision("inception_v3", size=96),
    "mnasnet1_0": vision("mnasnet1_0"),
    "deeplabv3_mobilenet_v3_large": vision("deeplabv3_mobilenet_v3_large"),
    "fcn_resnet50": vision("fcn_resnet50"),
    "vgg11": vision("vgg11", num_classes=10),
    "alexnet": vision("alexnet"),
    "maxvit_t": vision("maxvit_t", size=224, batch=1),
    "timm_vit_tiny": image("vit_tiny_patch16_224", img_size=64),
    "timm_deit_tiny": image("deit_tiny_patch16_224", img_size=64),
    "timm_mixer": image("mixer_s32_224", size=224),
    "timm_resmlp": image("resmlp_12_224", size=224),
    "timm_poolformer": image("poolformer_s12"),
    "timm_mobilevit": image("mobilevit_xs"),
    "timm_efficientformer": image("efficientformer_l1", size=224),
    "timm_convmixer": image("convmixer_768_32"),
    "timm_edgenext": image("edgenext_xx_small"),
    "timm_ghostnet": image("ghostnet_100"),
    "timm_cait": image("cait_xxs24_224", size=224),
    "timm_levit": image("levit_128s", size=224),
    "swin_v2_t": vision("swin_v2_t"),
    "regnet_x_400mf": vision("regnet_x_400mf"),
    "efficientnet_v2_s": vision("efficientnet_v2_s"),
    "lraspp_mobilenet_v3_large": vision("lraspp_mobilenet_v3_large"),
    "wide_resnet50_2": vision("wide_resnet50_2"),
    "r3d_18": video("r3d_18"),
    "mc3_18": video("mc3_18"),
    "ssdlite320": detector("ssdlite320_mobilenet_v3_large"),
    "retinanet": detector("retinanet_resnet50_fpn"),
    "timm_coatnet": image("coatnet_nano_rw_224", size=224),
    "timm_xcit": image("xcit_nano_12_p16_224"),
    "timm_pvt_v2": image("pvt_v2_b0"),
    "timm_repvit": image("repvit_m0_9"),
    "timm_fastvit": image("fastvit_t8"),
    "timm_beit": image("beit_base_patch16_224", size=224, depth=2),
    "timm_eva02": image("eva02_tiny_patch14_224", size=224, depth=2),
    "timm_efficientvit": image("efficientvit_b0"),
    "timm_res2net": image("res2net50_14w_8s"),
    "timm_resnest": image("resnest14d"),
    "timm_skresnet": image("skresnet18"),
    "timm_nfnet": image("nfnet_l0"),
    "timm_hrnet": image("hrnet_w18_small"),
    "timm_twins": image("twins_svt_small", size=224),
    "timm_mobileone": image("mobileone_s0"),
    "timm_focalnet": image("focalnet_tiny_srf", size=224),
    "timm_crossvit": image("crossvit_tiny_240", size=240),
    "timm_convnextv2": image("convnextv2_atto"),
    "timm_mobilenetv4": image("mobilenetv4_conv_small"),
    "timm_hgnetv2": image("hgnetv2_b0"),
    "timm_gcvit": image("gcvit_xxtiny", size=224),
    "distilbert": text("DistilBert", dim=64, n_layers=2, n_heads=4, hidden_dim=128),
    "roberta": text("Roberta", **SMALL),
    "electra": text("Electra", embedding_size=32, **SMALL),
    "t5": text("T5", d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4),
    "bart": text(
        "Bart", d_model=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=128, decoder_ffn_dim=128),
    "qwen2": text("Qwen2", num_key_value_heads=2, **SMALL),
    "mistral": text("Mistral", num_key_value_heads=2, sliding_window=8, **SMALL),
    "gemma": text("Gemma", num_key_value_heads=2, head_dim=16, **SMALL),
    "gpt_neox": text("GPTNeoX", **SMALL),
    "whisper_encoder": whisper_encoder,
    "hf_vit": pixels("ViT", patch_size=8, **SMALL),
    "hf_segformer": pixels("Segformer"),
    "clip": clip,
    "bert": bert,
    "gpt2": gpt2,
    "llama": llama,
}


def export(model, args, kwargs, dynamic):
    """The exported program and its form after decompositions, the batch dynamic or not."""
    shapes = None
    if dynamic:
        batch = torch.export.Dim("batch", min=1, max=1024)

        def axes(x, name=""):
            if dynamic == "length" and x.dtype == torch.int64:
                return {0: batch, 1: torch.export.Dim("length" + name, min=2, max=48)}
            return {0: batch}
        shapes = (
            {n: axes(x, "_decoder" * ("decoder" in n)) for n, x in kwargs.items()} if kwargs
            else tuple(axes(x) for x in args))
    program = torch.export.export(model, args, kwargs, dynamic_shapes=shapes)
    try:
        return program, program.run_decompositions()
    except Exception:
        # GPT-2: PyTorch's own decomposition takes a view that strides forbid.
        return program, None


def flat(outputs):
    return [t for t in torch.utils._pytree.tree_leaves(outputs) if isinstance(t, torch.Tensor)]


def main():
    out = sys.argv[1]
    import_torchvision()  # transformers imports it, too
    os.makedirs(out, exist_ok=True)
    for name in sys.argv[2:] or MODELS:
        path = os.path.join(out, name)
        if os.path.exists(path + (".core.pt2" if os.environ.get("NO_ONNX") else ".onnx")):
            continue
        torch.manual_seed(0)
        try:
            with torch.no_grad():
                model, args, kwargs = MODELS[name]()
                outputs = flat(model(*args, **kwargs))
                inputs = flat((args, kwargs))
                for dynamic in (["length", "batch"] if inputs[0].shape[0] > 1 else []) + [""]:
                    try:
                        program, core = export(model, args, kwargs, dynamic)
                        break
                    except Exception:
                        if not dynamic:
                            raise
            arrays = {f"in_{i}": t.numpy() for i, t in enumerate(inputs)}
            arrays |= {f"out_{i}": t.detach().numpy() for i, t in enumerate(outputs)}
            np.savez(path + ".npz", **arrays)
            torch.export.save(program, path + ".pt2")
            if core is not None:
                torch.export.save(core, path + ".core.pt2")
            print(name, dynamic or "fixed", len(outputs), flush=True)
            if not os.environ.get("NO_ONNX"):
                torch.onnx.export(program, dynamo=True, verbose=False).save(path + ".onnx")
        except Exception as error:
            print(name, "failed:", str(error).split("\n")[0][:200], flush=True)
            if os.environ.get("TRACE"):
                traceback.print_exc()


if __name__ == "__main__":
    main()
