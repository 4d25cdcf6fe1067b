"""Makes the fixture of torch's nn.MultiheadAttention: weights, inputs, outputs, gradients, and two Adam trajectories, in float64."""
import json, pathlib, torch
torch.manual_seed(20261121); torch.set_default_dtype(torch.float64)
def mat(t): return {"rows": t.shape[0], "columns": t.shape[1], "data": [x if abs(x) != float('inf') else '-inf' for x in t.reshape(-1).tolist()]}
def vec(t): return None if t is None else t.tolist()
def case(name, embed, heads, n, m, kdim=None, vdim=None, bias=True, mask=None, padding=None, self_=False):
    mha = torch.nn.MultiheadAttention(embed, heads, bias=bias, kdim=kdim, vdim=vdim, batch_first=True).eval()
    with torch.no_grad():
        for p in mha.parameters(): p.copy_(torch.randn_like(p) * (0.7 if p.dim() == 2 else 0.3))
    q = torch.randn(n, embed, requires_grad=True)
    if self_: k = v = q
    else:
        k = torch.randn(m, kdim or embed, requires_grad=True); v = torch.randn(m, vdim or embed, requires_grad=True)
    am = None
    if mask == 'causal': am = torch.triu(torch.full((n, m), float('-inf')), diagonal=1 + m - n)
    elif mask == 'additive':
        am = torch.randn(n, m); am[0, 1] = float('-inf')
    pad = None if padding is None else torch.tensor([padding])  # True hides
    out, w = mha(q[None], k[None], v[None], attn_mask=am, key_padding_mask=(torch.where(pad, float('-inf'), 0.0) if pad is not None else None), need_weights=True, average_attn_weights=False)
    g = torch.randn(n, embed)
    (out[0] * g).sum().backward()
    if mha._qkv_same_embed_dim:
        ws = mha.in_proj_weight.chunk(3); gs = mha.in_proj_weight.grad.chunk(3)
    else:
        ps = [mha.q_proj_weight, mha.k_proj_weight, mha.v_proj_weight]; ws = ps; gs = [p.grad for p in ps]
    bs = list(mha.in_proj_bias.chunk(3)) + [mha.out_proj.bias] if bias else [None] * 4
    gbs = list(mha.in_proj_bias.grad.chunk(3)) + [mha.out_proj.bias.grad] if bias else [None] * 4
    ws = list(ws) + [mha.out_proj.weight]; gs = list(gs) + [mha.out_proj.weight.grad]
    names = ["query", "key", "value", "output"]
    lin = lambda ws, bs: {nm: {"torch_weight": mat(x.detach()), "bias": vec(b.detach() if b is not None else None)} for nm, x, b in zip(names, ws, bs)}
    return dict(name=name, embed_dim=embed, heads=heads, causal=mask == 'causal', additive=mat(am) if mask == 'additive' else None, keep=None if padding is None else [not p for p in padding],
        projections=lin(ws, bs), queries=mat(q.detach()), keys=None if self_ else mat(k.detach()), values=None if self_ else mat(v.detach()),
        output=mat(out[0].detach()), weights=[mat(w[0, h].detach()) for h in range(heads)], output_gradient=mat(g), gradients=lin(gs, gbs),
        query_gradient=mat(q.grad), key_gradient=None if self_ else mat(k.grad), value_gradient=None if self_ else mat(v.grad))
cases = [
    case("self attention with biases", 8, 2, 5, 5, self_=True),
    case("causal self attention without biases", 6, 3, 4, 4, bias=False, mask='causal', self_=True),
    case("cross attention with widths of their own", 8, 4, 3, 5, kdim=6, vdim=3),
    case("padding and an additive mask", 4, 1, 3, 4, mask='additive', padding=[False, False, False, True]),
]
def adam(name, cls, steps, clip=None, **kw):
    x0 = torch.randn(6); x = torch.nn.Parameter(x0.clone()); opt = cls([x], **kw); gs = torch.randn(steps, 6) * torch.tensor([1., 10., 1e-3, 1., 0., 1.]); xs = []
    for g in gs:
        x.grad = g.clone()
        if clip: torch.nn.utils.clip_grad_norm_([x], clip)
        opt.step(); xs.append(x.detach().clone())
    return dict(name=name, start=x0.tolist(), gradients=mat(gs), after=mat(torch.stack(xs)), learning_rate=kw['lr'], betas=kw.get('betas', (0.9, 0.999)), epsilon=kw.get('eps', 1e-8), weight_decay=kw.get('weight_decay', 0.0), clip_norm=clip)
adams = [adam("adam", torch.optim.Adam, 8, lr=0.05), adam("adamw, clipped", torch.optim.AdamW, 8, lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1, clip=1.5)]
json.dump(dict(made_by="torch " + torch.__version__, layers=cases, adam=adams), pathlib.Path(__file__).with_name('torch_layers.json').open('w'), separators=(',', ':'))
