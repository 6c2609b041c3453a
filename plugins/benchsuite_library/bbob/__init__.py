"""The functions of COCO's suite bbob, by the package bbobax of the extra bbob."""
