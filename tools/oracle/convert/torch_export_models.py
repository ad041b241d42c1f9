#!/usr/bin/env python3
"""Save models of torchvision, timm and transformers with torch.export, beside PyTorch's outputs.

usage: torch_export_models.py OUT [NAME...]
Each model gives OUT/NAME.pt2 as torch.export leaves it, OUT/NAME.core.pt2 after
run_decompositions, OUT/NAME.npz with in_0.. and out_0.., and OUT/NAME.onnx of PyTorch's own
exporter for comparison. Weights are seeded and random, batch norms have believable statistics;
the batch is dynamic where the model allows it. Nothing is downloaded; what is there is left alone.
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

from export_zoo import import_torchvision


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
    "bert": bert,
    "gpt2": gpt2,
    "llama": llama,
}


def export(model, args, kwargs, dynamic):
    """The exported program and its form after decompositions, the batch dynamic or not."""
    shapes = None
    if dynamic:
        batch = torch.export.Dim("batch", min=1, max=1024)
        shapes = (
            {name: {0: batch} for name in kwargs} if kwargs else tuple({0: batch} for _ in args))
    program = torch.export.export(model, args, kwargs, dynamic_shapes=shapes)
    return program, program.run_decompositions()


def flat(outputs):
    return [t for t in torch.utils._pytree.tree_leaves(outputs) if isinstance(t, torch.Tensor)]


def main():
    out = sys.argv[1]
    import_torchvision()  # transformers imports it, too
    os.makedirs(out, exist_ok=True)
    for name in sys.argv[2:] or MODELS:
        path = os.path.join(out, name)
        if os.path.exists(path + ".onnx"):
            continue
        torch.manual_seed(0)
        try:
            with torch.no_grad():
                model, args, kwargs = MODELS[name]()
                outputs = flat(model(*args, **kwargs))
                is_dynamic = (list(args) + list(kwargs.values()))[0].shape[0] > 1
                try:
                    program, core = export(model, args, kwargs, is_dynamic)
                except Exception:
                    is_dynamic = False
                    program, core = export(model, args, kwargs, False)
            inputs = list(args) + list(kwargs.values())
            arrays = {f"in_{i}": t.numpy() for i, t in enumerate(inputs)}
            arrays |= {f"out_{i}": t.detach().numpy() for i, t in enumerate(outputs)}
            np.savez(path + ".npz", **arrays)
            torch.export.save(program, path + ".pt2")
            torch.export.save(core, path + ".core.pt2")
            torch.onnx.export(program, dynamo=True, verbose=False).save(path + ".onnx")
            print(name, "dynamic" if is_dynamic else "fixed", len(outputs), flush=True)
        except Exception as error:
            print(name, "failed:", str(error).split("\n")[0][:200], flush=True)
            if os.environ.get("TRACE"):
                traceback.print_exc()


if __name__ == "__main__":
    main()
