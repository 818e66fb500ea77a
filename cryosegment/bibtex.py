# SPDX-License-Identifier: GPL-3.0-or-later
"""What the protocols cite, as BibTeX: Scipion parses this text.

@inproceedings{Krahenbuhl2011,
title = "Efficient inference in fully connected {CRF}s with {G}aussian edge potentials",
author = "Krähenbühl, Philipp and Koltun, Vladlen",
booktitle = "Advances in Neural Information Processing Systems",
journal = "Advances in Neural Information Processing Systems",
volume = "24",
pages = "109-117",
year = "2011",
url = "https://arxiv.org/abs/1210.5644",
}

@article{Chung2025,
title = "{CRISP}: a framework for cryo-{EM} image segmentation and processing with
conditional random field",
author = "Chung, Szu-Chi and Chou, Po-Cheng",
journal = "arXiv",
volume = "2502.08287",
year = "2025",
url = "https://arxiv.org/abs/2502.08287",
}

@article{Gyawali2024,
title = "{CryoSegNet}: accurate cryo-{EM} protein particle picking by integrating
the foundational {AI} image segmentation model and attention-gated {U-Net}",
author = "Gyawali, Rajan and Dhakal, Ashwin and Wang, Liguo and Cheng, Jianlin",
journal = "Briefings in Bioinformatics",
volume = "25",
number = "4",
pages = "bbae282",
year = "2024",
doi = "https://doi.org/10.1093/bib/bbae282",
}

@article{Zhang2019,
title = "{PIXER}: an automated particle-selection method based on segmentation
using a deep neural network",
author = "Zhang, Jingrong and Wang, Zihao and Chen, Yu and Han, Renmin and
Liu, Zhiyong and Sun, Fei and Zhang, Fa",
journal = "BMC Bioinformatics",
volume = "20",
pages = "41",
year = "2019",
doi = "https://doi.org/10.1186/s12859-019-2614-y",
}

@article{Cameron2023,
title = "{REPIC}: an ensemble learning methodology for cryo-{EM} particle picking",
author = "Cameron, Christopher J. F. and Seager, Sebastian J. H. and Sigworth, Fred J. and
Tagare, Hemant D. and Gerstein, Mark B.",
journal = "bioRxiv",
volume = "2023.05.13.540636",
year = "2023",
doi = "https://doi.org/10.1101/2023.05.13.540636",
}

@misc{particleSeg,
title = "{particleSeg}: a semantic segmentation tool for cryo-{EM} particles",
author = "nzhou26",
journal = "GitHub",
year = "n. d.",
url = "https://github.com/nzhou26/particleSeg",
}
"""
