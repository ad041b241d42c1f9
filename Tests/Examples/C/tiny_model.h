/*
 * Writes the bytes of an ONNX model with one chain of nodes, each of one input and one output, so
 * that programs can run operators of their own without a file.
 */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  unsigned char bytes[1 << 16];
  size_t size;
} tiny_model;

static void tiny_byte(tiny_model *m, unsigned value) {
  if (m->size < sizeof m->bytes)
    m->bytes[m->size++] = (unsigned char)value;
}

static void tiny_varint(tiny_model *m, size_t value) {
  for (; value >= 128; value >>= 7)
    tiny_byte(m, (unsigned)(value & 127) | 128);
  tiny_byte(m, (unsigned)value);
}

static void tiny_number(tiny_model *m, unsigned field, size_t value) {
  tiny_varint(m, field << 3);
  tiny_varint(m, value);
}

static void tiny_bytes(tiny_model *m, unsigned field, const void *bytes, size_t size) {
  tiny_varint(m, field << 3 | 2);
  tiny_varint(m, size);
  for (size_t i = 0; i < size; i++)
    tiny_byte(m, ((const unsigned char *)bytes)[i]);
}

static void tiny_text(tiny_model *m, unsigned field, const char *text) {
  tiny_bytes(m, field, text, strlen(text));
}

static void tiny_part(tiny_model *m, unsigned field, const tiny_model *part) {
  tiny_bytes(m, field, part->bytes, part->size);
}

/* ValueInfoProto: float32 with one axis, of any size. */
static void tiny_port(tiny_model *graph, unsigned field, const char *name) {
  static tiny_model axis, shape, tensor, type, info;
  axis.size = shape.size = tensor.size = type.size = info.size = 0;
  tiny_text(&axis, 2, "n");
  tiny_part(&shape, 1, &axis);
  tiny_number(&tensor, 1, 1);
  tiny_part(&tensor, 2, &shape);
  tiny_part(&type, 1, &tensor);
  tiny_text(&info, 1, name);
  tiny_part(&info, 2, &type);
  tiny_part(graph, field, &info);
}

/* x -> domain:op -> ... -> y, `nodes` times, with an integer attribute `times`. */
static const tiny_model *tiny_chain(const char *domain, const char *op, int nodes, int times) {
  static tiny_model model, graph, node, attribute, imports;
  model.size = graph.size = 0;
  for (int i = 0; i < nodes; i++) {
    char from[16], to[16];
    snprintf(from, sizeof from, "t%d", i);
    snprintf(to, sizeof to, "t%d", i + 1);
    node.size = attribute.size = 0;
    tiny_text(&node, 1, i == 0 ? "x" : from);
    tiny_text(&node, 2, i == nodes - 1 ? "y" : to);
    tiny_text(&node, 4, op);
    tiny_text(&attribute, 1, "times");
    tiny_number(&attribute, 3, (size_t)times);
    tiny_number(&attribute, 20, 2);
    tiny_part(&node, 5, &attribute);
    tiny_text(&node, 7, domain);
    tiny_part(&graph, 1, &node);
  }
  tiny_text(&graph, 2, "chain");
  tiny_port(&graph, 11, "x");
  tiny_port(&graph, 12, "y");
  tiny_number(&model, 1, 8);
  tiny_part(&model, 7, &graph);
  imports.size = 0;
  tiny_text(&imports, 1, domain);
  tiny_number(&imports, 2, 1);
  tiny_part(&model, 8, &imports);
  return &model;
}

#endif
